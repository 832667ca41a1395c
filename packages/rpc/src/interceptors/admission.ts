import type { StreamResponse } from "@connectrpc/connect";
import { callerKey } from "../caller/caller.ts";
import type { StreamLimit } from "../caller/stream-limit.ts";
import { hookStream, onAbort } from "../wire/stream.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * Admits an application's stream while it has a free place, after the caller is known and before any work is done.
 * Without a limit, as between services, every stream is admitted.
 */
export function admissionInterceptor(limit: StreamLimit | undefined): StepInterceptor {
  return step("admission", (next) => async (request) => {
    const { principal } = request.contextValues.get(callerKey);
    if (limit === undefined || !request.stream || principal.kind !== "application") return next(request);
    const leave = limit.enter(principal.id);
    // Transports abort the signal when the call is over, however it ended.
    onAbort(request.signal, leave);
    try {
      const response = (await next(request)) as StreamResponse;
      return { ...response, message: hookStream(response.message, { end: leave }) };
    } catch (error) {
      leave();
      throw error;
    }
  });
}
