import type { StreamResponse } from "@connectrpc/connect";
import { callerKey } from "../caller/caller.ts";
import type { StreamLimit } from "../caller/stream-limit.ts";
import { hookStream, onAbort } from "../wire/stream.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * Lets an application's stream in while it has a place, after it is known who calls and before anything is done for
 * it. Where no limit is given, as between services, everything passes.
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
