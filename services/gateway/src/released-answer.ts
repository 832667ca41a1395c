import type { DescMethod } from "@bufbuild/protobuf";
import type { ContextValues } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { type AnswerTarget, holdHttpAnswer, onceOver } from "@wellapi/http";
import { objectionTo } from "@wellapi/rpc";
import { refusal } from "./reasons.ts";
import type { StreamPace } from "./stream-pace.ts";

/** In the flags of an envelope: the end of a stream (Connect), its trailers (gRPC-Web). They carry no data. */
const endFlags = 0x02 | 0x80;

export interface AnswerTerms {
  readonly values: ContextValues;
  readonly method: DescMethod;
  readonly target: AnswerTarget;
  /** Of a stream. */
  readonly pace: StreamPace | undefined;
}

/**
 * The answer, checked at each write. Serialization and compression come after the interceptors and take
 * time, so consent is checked once more right before each write. What was written and waits for its reader is dropped,
 * with the connection, if the answer has to end.
 */
export function releasedAnswer(answer: UniversalServerResponse, terms: AnswerTerms): UniversalServerResponse {
  const { values, method, target } = terms;
  const { body } = answer;
  if (body === undefined || answer.status >= 400) return answer;
  const unary = method.methodKind === "unary";
  const enveloped = !unary || answer.header?.get("content-type")?.startsWith("application/grpc") === true;
  if (enveloped) {
    return { ...answer, body: dataHeld(body as AsyncIterable<Uint8Array>, unary, terms) };
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
 * what its buffer holds without asking to wait (64 KiB), and when it is a stream's turn.
 */
async function* dataHeld(
  body: AsyncIterable<Uint8Array>,
  unary: boolean,
  terms: AnswerTerms,
): AsyncIterable<Uint8Array> {
  const { values, target, pace } = terms;
  let taken: (() => void) | undefined;
  target.once("close", () => taken?.());
  for await (const envelope of body) {
    if (target.closed) return;
    const end = (envelope[0]! & endFlags) !== 0;
    const objection = end ? undefined : objectionTo(values);
    if (objection === undefined) {
      taken?.();
      taken = holdHttpAnswer(values, target, envelope.length, pace?.waits);
      yield envelope;
      if (!end) await pace?.sent(envelope.length);
    } else if (unary) throw objection;
  }
}
