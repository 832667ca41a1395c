import { type GuardedAnswer, objectionError } from "./guarded-answer.ts";

/** Grace for the service behind to end the stream with its own status, after the last passed message. */
const graceMs = 1_000;

export interface GuardedStreamOptions {
  /** Called once, after the source's first message, end or failure: by then its headers are complete. */
  readonly identify: (failed: boolean) => GuardedAnswer | undefined;
}

/**
 * A stream whose messages are passed on while there is no objection. After the first objection all messages are
 * dropped, until the service behind ends the stream itself (it knows the reason best) or the grace is over.
 */
export function guardStream<T>(source: AsyncIterable<T>, { identify }: GuardedStreamOptions) {
  const iterator = source[Symbol.asyncIterator]();
  let answer: GuardedAnswer | undefined;
  let identified = false;
  let finished = false;
  let overdue = false;
  let grace: NodeJS.Timeout | undefined;
  let giveUp: (() => void) | undefined;
  let stopListening = (): void => {};

  const finish = (): void => {
    finished = true;
    clearTimeout(grace);
    stopListening();
  };
  const expire = (): void => {
    overdue = true;
    giveUp?.();
    iterator.return?.().catch(() => {}); // Its failure has no reader.
  };
  const object = (): void => {
    const objection = answer?.objection();
    if (finished || objection === undefined) return;
    // Without a session the service behind may be certain of its messages, but this door cannot tell whether they may
    // still leave.
    if (objection === "unsure") expire();
    else grace ??= setTimeout(expire, graceMs);
  };
  const know = (failed: boolean): void => {
    if (identified) return;
    identified = true;
    answer = identify(failed);
    if (answer !== undefined) stopListening = answer.onObjection(object);
  };
  /** The next message of the source; `late` if the grace ends first. */
  const pull = (): Promise<IteratorResult<T> | "late"> =>
    new Promise((resolve, reject) => {
      giveUp = () => resolve("late");
      iterator.next().then(resolve, reject);
    });

  async function next(): Promise<IteratorResult<T>> {
    for (;;) {
      if (overdue) throw objectionError(answer!.objection()!);
      const result = await pull();
      giveUp = undefined;
      if (result === "late") continue;
      know(false);
      const objection = answer?.objection();
      if (objection === undefined) return result;
      object();
      if (result.done === true) throw objectionError(objection);
    }
  }

  const guarded: AsyncIterable<T> = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        try {
          const result = await next();
          if (result.done === true) finish();
          return result;
        } catch (error) {
          know(true);
          finish();
          iterator.return?.().catch(() => {});
          throw error;
        }
      },
      async return() {
        finish();
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
  return { messages: guarded, finish };
}
