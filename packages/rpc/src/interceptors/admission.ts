import type { ContextValues, StreamRequest, StreamResponse } from "@connectrpc/connect";
import { type Budget, type Spending, spendingKey } from "../caller/budget.ts";
import { callerKey } from "../caller/caller.ts";
import type { StreamLimit } from "../caller/stream-limit.ts";
import { hookStream, onAbort } from "../wire/stream.ts";
import { takePrice } from "./spending.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * Admits a call while its caller's budgets last, and its stream while it has a free place: after the caller is
 * known and before any work is done. Without budget and limit, as between services, every call is admitted.
 */
export function admissionInterceptor(
  limit: StreamLimit | undefined,
  budget: Budget | undefined,
): StepInterceptor {
  return step("admission", (next) => async (request) => {
    const spending = await takePrice(budget, request);
    if (spending !== undefined) request.contextValues.set(spendingKey, spending);
    if (!request.stream) {
      if (spending === undefined) return next(request);
      try {
        const response = await next(request);
        spending.end(undefined);
        return response;
      } catch (error) {
        spending.end(error);
        throw error;
      }
    }
    const leave = placeOf(limit, request.contextValues);
    let over = false;
    const end = (error?: unknown): void => {
      leave();
      if (!over) spending?.end(error);
      over = true;
    };
    // Transports abort the signal when the call is over, however it ended.
    onAbort(request.signal, () => end());
    try {
      const paced = spending === undefined ? request : pacedRequest(request, spending);
      const response = (await next(paced)) as StreamResponse;
      const answers =
        spending === undefined || request.method.methodKind !== "server_streaming"
          ? response.message
          : pacedStream(response.message, spending, request.signal);
      return { ...response, message: hookStream(answers, { end }) };
    } catch (error) {
      end(error);
      throw error;
    }
  });
}

function placeOf(limit: StreamLimit | undefined, values: ContextValues): () => void {
  const { principal } = values.get(callerKey);
  return limit === undefined || principal.kind === "service" ? () => {} : limit.enter(principal);
}

/** A stream of requests is slowed by taking its next message later. */
function pacedRequest(request: StreamRequest, spending: Spending): StreamRequest {
  if (request.method.methodKind === "server_streaming") return request;
  return { ...request, message: pacedStream(request.message, spending, request.signal) };
}

function pacedStream<T>(source: AsyncIterable<T>, spending: Spending, signal: AbortSignal): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<T> {
      const iterator = source[Symbol.asyncIterator]();
      return {
        async next() {
          const pause = spending.pace(signal);
          if (pause !== undefined) await pause;
          const result = await iterator.next();
          if (result.done !== true) spending.message();
          return result;
        },
        async return() {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
