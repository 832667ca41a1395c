import type { ConnectError, StreamResponse, UnaryRequest } from "@connectrpc/connect";
import type { Logger } from "@wellapi/runtime";
import { setChallenge } from "../caller/challenge.ts";
import { requestIdFrom, requestIdHeader, requestIdKey } from "../caller/context.ts";
import { describeError } from "../status.ts";
import { hookStream } from "../wire/stream.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * Outermost: gives the call its request id if its server has not, and turns every thrown value into a status. An error that is not meant
 * for callers is logged once, here, and leaves as "internal error" with the request id by which to find it.
 */
export function errorsInterceptor(log: Logger): StepInterceptor {
  return step("errors", (next) => async (request) => {
    const requestId =
      request.contextValues.get(requestIdKey) || requestIdFrom(request.header.get(requestIdHeader));
    request.contextValues.set(requestIdKey, requestId);

    const map = (thrown: unknown): ConnectError => {
      const { error, unexpected } = describeError(thrown);
      if (unexpected) {
        const rpc = `${request.service.typeName}/${request.method.name}`;
        log.error({ err: thrown, rpc, request_id: requestId }, "unexpected error");
      }
      error.metadata.set(requestIdHeader, requestId);
      setChallenge(error);
      error.cause = undefined; // in memory the error itself reaches the caller
      return error;
    };

    try {
      const response = await next(request as UnaryRequest);
      response.header.set(requestIdHeader, requestId);
      if (!response.stream) return response;
      const mapped: StreamResponse = { ...response, message: hookStream(response.message, { error: map }) };
      return mapped;
    } catch (thrown) {
      throw map(thrown);
    }
  });
}
