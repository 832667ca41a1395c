import { Code, type UnaryRequest } from "@connectrpc/connect";
import { problemError } from "../status.ts";
import { raceAbort } from "../wire/stream.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * Ends a unary call after the server's own maximum, whatever deadline the client asked for, also where the
 * handler doesn't look at its signal. Streams live as long as their client and their credential.
 */
export function deadlineInterceptor(maximumMs: number): StepInterceptor {
  return step("deadline", (next) => async (request) => {
    if (request.stream) return next(request);
    const limit = new AbortController();
    // `AbortSignal.any` would do the same; with its weak references it costs several times the rest of this step.
    const follow = (): void => limit.abort(request.signal.reason);
    if (request.signal.aborted) follow();
    else request.signal.addEventListener("abort", follow);
    const timer = setTimeout(() => {
      limit.abort(
        problemError({
          code: Code.DeadlineExceeded,
          reason: "DEADLINE_EXCEEDED",
          message: `the call took longer than the ${maximumMs} ms that this server allows: ask for less at a time`,
        }),
      );
    }, maximumMs);
    try {
      const limited: UnaryRequest = { ...request, signal: limit.signal };
      return await raceAbort(next(limited), limit.signal);
    } finally {
      clearTimeout(timer);
      request.signal.removeEventListener("abort", follow);
    }
  });
}
