import { rpcName } from "@wellapi/descriptors";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { findMethod } from "../explorer/rpc.ts";
import { RpcPanel } from "../explorer/rpc-panel.tsx";
import { isSandbox } from "../explorer/sandbox.ts";
import { publicServices } from "../explorer/services.ts";
import { Heading } from "../parts/notice.tsx";

const firstRpc = "wellapi.consent.v1.ConsentService/ListConsents";

/** Every public RPC, to be tried with the session or with a key. */
export function Explorer() {
  const { words, connection } = usePlace();
  const { explorer: texts } = words;
  const [rpc, setRpc] = useState(location.hash.slice(1) || firstRpc);
  // In memory alone: it is in no address and no storage, and is gone with the page.
  const [apiKey, setApiKey] = useState("");
  const sandbox = useLoaded((signal) => isSandbox(connection, signal), [connection]).value ?? false;
  const method = findMethod(publicServices, rpc) ?? findMethod(publicServices, firstRpc)!;
  return (
    <>
      <Heading>{words.common.explorer}</Heading>
      <p class="lead">{texts.lead}</p>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <div class="field">
          <label for="explored">{texts.rpc}</label>
          <select
            id="explored"
            value={rpcName(method)}
            onChange={({ currentTarget }) => {
              history.replaceState(history.state, "", `#${currentTarget.value}`);
              setRpc(currentTarget.value);
            }}
          >
            {publicServices.map((service) => (
              <optgroup key={service.typeName} label={service.name}>
                {service.methods.map((one) => (
                  <option key={one.name} value={rpcName(one)}>
                    {one.name}
                  </option>
                ))}
              </optgroup>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="api-key">{texts.key}</label>
          <input
            id="api-key"
            type="password"
            autocomplete="off"
            aria-describedby="api-key-hint"
            value={apiKey}
            onInput={({ currentTarget }) => setApiKey(currentTarget.value.trim())}
          />
          <p class="small quiet" id="api-key-hint">
            {texts.keyHint}
          </p>
        </div>
      </form>
      <RpcPanel key={rpcName(method)} method={method} apiKey={apiKey} sandbox={sandbox} />
    </>
  );
}
