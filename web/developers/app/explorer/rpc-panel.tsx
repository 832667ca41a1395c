import type { DescMethod } from "@bufbuild/protobuf";
import { faultHeader, isDestructive, rpcName } from "@wellapi/descriptors";
import { createPageTransport } from "@wellapi/ui/browser/page-transport";
import { useEffect, useRef, useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { CopiedText } from "../parts/copied-text.tsx";
import { ConfirmButton, DoButton, Notice, useDoing } from "../parts/notice.tsx";
import { grpcurlSample, keySamples, type Sample } from "../samples.ts";
import { type Answer, callRpc, messageOf } from "./call.ts";
import { createKeyTransport } from "./key-transport.ts";
import { faults } from "./ordered-faults.ts";
import { isCallable } from "./rpc.ts";
import { RpcAnswer } from "./rpc-answer.tsx";
import { jsonOf, RpcRequest, useWrittenRequest } from "./rpc-request.tsx";

/** The gRPC door's, unless the operator says otherwise. */
const usualDoorPort = 7443;

/** One RPC: its request, the call, its answer, and the same call in other languages. */
export function RpcPanel(props: {
  readonly method: DescMethod;
  /** Empty: the session calls. */
  readonly apiKey: string;
  readonly sandbox: boolean;
}) {
  const { method, apiKey, sandbox } = props;
  const { words, membership } = usePlace();
  const { explorer: texts } = words;
  const request = useWrittenRequest(method.input);
  const [fault, setFault] = useState("");
  const [answer, setAnswer] = useState<Answer>();
  const [mistake, setMistake] = useState("");
  const calling = useRef<AbortController>(undefined);
  useEffect(() => () => calling.current?.abort(), []);
  const call = useDoing(async () => {
    setAnswer(undefined);
    setMistake("");
    let message: ReturnType<typeof messageOf>;
    try {
      message = messageOf(method, request.value());
    } catch (error) {
      setMistake((error as Error).message);
      return;
    }
    const transport =
      apiKey === "" ? createPageTransport(membership.organization) : createKeyTransport(apiKey);
    const ending = new AbortController();
    calling.current = ending;
    const { signal } = ending;
    const headers: HeadersInit = fault === "" ? {} : { [faultHeader]: fault };
    await callRpc(transport, method, message, { headers, signal, onAnswer: setAnswer });
  });
  return (
    <section class="stack" aria-labelledby="rpc">
      <h2 id="rpc" class="breaks">{`${method.parent.name}/${method.name}`}</h2>
      <p>
        <a href={`/docs/reference/${method.parent.typeName}`}>{texts.reference}</a>
      </p>
      <form class="card stack-close" onSubmit={(event) => event.preventDefault()}>
        <RpcRequest request={request} onMistake={setMistake} />
        {sandbox && <FaultChoice value={fault} onChange={setFault} />}
        {mistake !== "" && (
          <Notice kind="danger">
            <p class="breaks">{mistake}</p>
          </Notice>
        )}
        <CallButton method={method} sandbox={sandbox} doing={call} />
        {call.busy && method.methodKind !== "unary" && (
          <button type="button" class="button slim second" onClick={() => calling.current?.abort()}>
            {texts.stop}
          </button>
        )}
      </form>
      {answer !== undefined && <RpcAnswer answer={answer} />}
      <CallSamples method={method} body={jsonOf(request)} />
    </section>
  );
}

function CallButton(props: {
  readonly method: DescMethod;
  readonly sandbox: boolean;
  readonly doing: ReturnType<typeof useDoing>;
}) {
  const { method, sandbox, doing } = props;
  const { explorer: texts } = usePlace().words;
  if (!isCallable(method)) return <p>{texts.notInBrowsers}</p>;
  if (!isDestructive(method)) return <DoButton doing={doing}>{texts.call}</DoButton>;
  if (!sandbox) return <p>{texts.sandboxOnly}</p>;
  return <ConfirmButton label={texts.call} question={texts.destructiveAsk} doing={doing} />;
}

function FaultChoice(props: { readonly value: string; readonly onChange: (fault: string) => void }) {
  const { explorer: texts } = usePlace().words;
  return (
    <div class="field">
      <label for="fault">{texts.fault}</label>
      <select
        id="fault"
        value={props.value}
        onChange={({ currentTarget }) => props.onChange(currentTarget.value)}
      >
        <option value="">{texts.noFault}</option>
        {faults.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    </div>
  );
}

/** Streams have no form of their own in HTTP and JSON: they are called over gRPC. */
function CallSamples({ method, body }: { readonly method: DescMethod; readonly body: string }) {
  const { explorer: texts } = usePlace().words;
  const sample = { method: rpcName(method), body };
  const samples: readonly Sample[] = [
    ...(method.methodKind === "unary" ? keySamples(location.origin, sample) : []),
    grpcurlSample(`${location.hostname}:${usualDoorPort}`, sample),
  ];
  return (
    <section class="stack-close" aria-labelledby="samples">
      <h3 id="samples">{texts.samples}</h3>
      {samples.map(({ name, text }) => (
        <details key={name}>
          <summary>{name}</summary>
          <CopiedText name={name} text={text} />
        </details>
      ))}
    </section>
  );
}
