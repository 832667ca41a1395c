import type { Message } from "@bufbuild/protobuf";
import type { ConnectError, StreamResponse, UnaryRequest } from "@connectrpc/connect";
import { type Logger, version } from "@wellapi/runtime";
import { deprecationNoticeKey } from "../answers/deprecation-notice.ts";
import { versionHeader } from "../answers/serving-version.ts";
import { setChallenge } from "../caller/challenge.ts";
import { peerWorkloadKey, requestIdFrom, requestIdHeader, requestIdKey } from "../caller/context.ts";
import { describeError } from "../status.ts";
import { hookStream, type StreamHooks } from "../wire/stream.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * Outermost: gives the call its request id if its server has not, and turns every thrown value into a status. An error that is not meant
 * for callers is logged once, here, and leaves as "internal error" with the request id by which to find it. At a door each answer, an
 * error too, says the version that served it and what the call used that is deprecated.
 */
export function errorsInterceptor(log: Logger): StepInterceptor {
  return step("errors", (next) => async (request) => {
    const requestId =
      request.contextValues.get(requestIdKey) || requestIdFrom(request.header.get(requestIdHeader));
    request.contextValues.set(requestIdKey, requestId);

    const outside = request.contextValues.get(peerWorkloadKey) === undefined;
    const sign = (headers: Headers): void => {
      headers.set(requestIdHeader, requestId);
      if (!outside) return;
      headers.set(versionHeader, version);
      request.contextValues.get(deprecationNoticeKey)?.tell(headers);
    };

    const map = (thrown: unknown): ConnectError => {
      const { error, unexpected } = describeError(thrown);
      if (unexpected) {
        const rpc = `${request.service.typeName}/${request.method.name}`;
        log.error({ err: thrown, rpc, request_id: requestId }, "unexpected error");
      }
      sign(error.metadata);
      setChallenge(error);
      error.cause = undefined; // in memory the error itself reaches the caller
      return error;
    };

    try {
      const response = await next(request as UnaryRequest);
      sign(response.header);
      if (!response.stream) return response;
      const mapped: StreamResponse = {
        ...response,
        message: hookStream(response.message, { error: map, ...retold(request, response) }),
      };
      return mapped;
    } catch (thrown) {
      throw map(thrown);
    }
  });
}

/** Headers leave with a stream's first message, and by then more of its requests may have been read. */
function retold({ contextValues }: Call, { header }: StreamResponse): Pick<StreamHooks<Message>, "pull"> {
  const notice = contextValues.get(deprecationNoticeKey);
  if (notice === undefined) return {};
  return {
    async pull(next) {
      const result = await next();
      notice.tell(header);
      return result;
    },
  };
}

type Call = Pick<UnaryRequest, "contextValues">;
