import type { DescMethod } from "@bufbuild/protobuf";
import type { ContextValues } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { type AnswerTarget, holdHttpAnswer, onceOver } from "@wellapi/http";
import { objectionTo } from "@wellapi/rpc";
import { refusal } from "./reasons.ts";

/** In the flags of an envelope: the end of a stream (Connect), its trailers (gRPC-Web). They carry no data. */
const endFlags = 0x02 | 0x80;

/**
 * The answer, checked at each write. Serialization and compression come after the interceptors and take
 * time, so consent is checked once more right before each write. What was written and waits for its reader is dropped,
 * with the connection, if the answer has to end.
 */
export function releasedAnswer(
  answer: UniversalServerResponse,
  values: ContextValues,
  method: DescMethod,
  target: AnswerTarget,
): UniversalServerResponse {
  const { body } = answer;
  if (body === undefined || answer.status >= 400) return answer;
  const unary = method.methodKind === "unary";
  const enveloped = !unary || answer.header?.get("content-type")?.startsWith("application/grpc") === true;
  if (enveloped) {
    return { ...answer, body: dataHeld(body as AsyncIterable<Uint8Array>, { values, unary, target }) };
  }
  const objection = objectionTo(values);
  if (objection === undefined) {
    const taken = holdHttpAnswer(values, target, Number(answer.header?.get("content-length") ?? 0));
    if (taken !== undefined) onceOver(target, taken);
    return answer;
  }
  return refusal({ ...answer, status: 503, trailer: new Headers() }, objection);
}

/**
 * Drops data that may no longer be written. A stream continues to its end, which gives the reason; a unary answer
 * (gRPC-Web has its status behind the data) breaks off. An envelope is pulled when the one before has left Node but for
 * what its buffer holds without asking to wait (64 KiB).
 */
async function* dataHeld(
  body: AsyncIterable<Uint8Array>,
  {
    values,
    unary,
    target,
  }: { readonly values: ContextValues; readonly unary: boolean; readonly target: AnswerTarget },
): AsyncIterable<Uint8Array> {
  let taken: (() => void) | undefined;
  target.once("close", () => taken?.());
  for await (const envelope of body) {
    if (target.closed) return;
    const end = (envelope[0]! & endFlags) !== 0;
    const objection = end ? undefined : objectionTo(values);
    if (objection === undefined) {
      taken?.();
      taken = holdHttpAnswer(values, target, envelope.length);
      yield envelope;
    } else if (unary) throw objection;
  }
}
