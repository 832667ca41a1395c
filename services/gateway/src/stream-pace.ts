import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type ConnectError, type ContextValues, createContextKey } from "@connectrpc/connect";
import { type AnswerTarget, onceOver, type PacedAnswer, type PacedAnswers } from "@wellapi/http";
import { callerKey, nameOf, onAnswerEnd, problemError } from "@wellapi/rpc";

/** The pace of a stream, by those who make its answer and who write it. */
export interface StreamPace {
  /**
   * Resolves when the answer may begin: before anything is asked for it. @throws ConnectError `TOO_MANY_UNREAD` where its caller has
   * left too many answers unread for too long.
   */
  begin(): Promise<void>;
  /** So many bytes were written. Resolves when the next message may be pulled, or the answer has to end. */
  sent(bytes: number): Promise<void>;
  /** Whether its reader takes nothing at this instant. */
  waits(): boolean;
}

/** Of a stream over HTTP/1.1. */
export const streamPaceKey = createContextKey<StreamPace | undefined>(undefined, {
  description: "pace of the stream",
});

/** For a stream whose caller is known when it begins. `ending` ends the call: its answer says the reason. */
export function createStreamPace(options: {
  readonly values: ContextValues;
  readonly method: DescMethod;
  readonly target: AnswerTarget;
  readonly paced: PacedAnswers;
  readonly ending: AbortController;
}): StreamPace {
  const { values, method, target, paced, ending } = options;
  // The contracts call so what waits for what comes (test/stalled-reader.test.ts).
  const staysOpen = method.name.startsWith("Watch");
  let pace: PacedAnswer | undefined;
  let heeded = false;
  return {
    async begin() {
      pace = paced.follow(target, nameOf(values.get(callerKey).principal), { staysOpen });
      if ((await pace.begin()) === "late") throw tooManyUnread();
    },
    async sent(bytes) {
      if (pace === undefined) return;
      // Paced until it has to end: then its last envelope says why.
      if (!heeded) onceOver(target, onAnswerEnd(values, pace.release));
      heeded = true;
      if ((await pace.sent(bytes)) === "late") ending.abort(tooManyUnread());
    },
    waits: () => pace?.waits() ?? false,
  };
}

function tooManyUnread(): ConnectError {
  return problemError({
    code: Code.ResourceExhausted,
    reason: "TOO_MANY_UNREAD",
    message:
      "you have too many answers open of which you read nothing, so this one has waited in vain: read them, or open fewer at a time (a watch goes on from its last resume_token)",
    retryAfterMs: 5_000,
  });
}
