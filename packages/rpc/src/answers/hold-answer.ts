import { ConnectError, type ContextValues, createContextKey } from "@connectrpc/connect";
import { onAbort } from "../wire/stream.ts";
import { guardedAnswerKey, objectionError } from "./guarded-answer.ts";
import type { UnreadBytes } from "./unread-answers.ts";

/** Counts unread bytes for the call's caller (`UnreadAnswers`). Set at a door. */
export const unreadAnswersKey = createContextKey<((unread: UnreadBytes) => () => void) | undefined>(
  undefined,
  { description: "unread answers" },
);

/** Aborts when the call's stream must end although it is under way: its credential is refused, or it is too old. */
export const streamEndKey = createContextKey<AbortSignal | undefined>(undefined, {
  description: "end of the stream",
});

/**
 * Whoever hands bytes of a call's answer to a connection holds them here until the reader has taken them, which the
 * returned function says. If they wait when the answer has to end (something was taken away from its reader, its
 * credential is refused, or the reader takes nothing), `end` is called, once and at once: before a recall is acknowledged. Undefined where nothing can
 * end the answer, as between services.
 */
export function holdAnswer(values: ContextValues, unread: UnreadBytes): (() => void) | undefined {
  const answer = values.get(guardedAnswerKey);
  const count = values.get(unreadAnswersKey);
  const signal = values.get(streamEndKey);
  if (answer === undefined && count === undefined && signal === undefined) return undefined;
  const stops: (() => void)[] = [];
  let over = false;
  const taken = (): void => {
    over = true;
    for (const stop of stops.splice(0)) stop();
  };
  const end: UnreadBytes["end"] = (reason) => {
    if (over || !unread.waits()) return;
    taken();
    unread.end(reason);
  };
  if (count !== undefined) stops.push(count({ ...unread, end }));
  if (answer !== undefined) stops.push(answer.onObjection(() => end(objectionError(answer.objection()!))));
  if (signal !== undefined) stops.push(onAbort(signal, () => end(ConnectError.from(signal.reason))));
  if (over) taken(); // The answer had to end before all of this was known.
  return taken;
}

/**
 * Calls `told` when the call's answer has to end although it is under way: for who makes its next message wait. After the
 * first message, before which it is not known whose data it carries. Returns how to stop it.
 */
export function onAnswerEnd(values: ContextValues, told: () => void): () => void {
  const signal = values.get(streamEndKey);
  const stops = [values.get(guardedAnswerKey)?.onObjection(told), signal && onAbort(signal, told)];
  return () => {
    for (const stop of stops) stop?.();
  };
}
