import { Code, type UnaryRequest } from "@connectrpc/connect";
import { problemError } from "../status.ts";
import { raceAbort } from "../stream.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * Ends a unary call after the server's own maximum, whatever deadline the client asked for, also where the
 * handler doesn't look at its signal. Streams live as long as their client and their credential.
 */
export function deadlineInterceptor(maximumMs: number): StepInterceptor {
  return step("deadline", (next) => async (request) => {
    if (request.stream) return next(request);
    const expired = new AbortController();
    const timer = setTimeout(() => {
      expired.abort(
        problemError({
          code: Code.DeadlineExceeded,
          reason: "DEADLINE_EXCEEDED",
          message: `the call took longer than the ${maximumMs} ms that this server allows: ask for less at a time`,
        }),
      );
    }, maximumMs);
    try {
      const signal = AbortSignal.any([request.signal, expired.signal]);
      const limited: UnaryRequest = { ...request, signal };
      return await raceAbort(next(limited), signal);
    } finally {
      clearTimeout(timer);
    }
  });
}
