import { Code, type ContextValues } from "@connectrpc/connect";
import { callerKey } from "../caller/caller.ts";
import { peerWorkloadKey } from "../caller/context.ts";
import { problemError } from "../status.ts";
import { raceAbort } from "../wire/stream.ts";
import { unreadBodyKey } from "../wire/unread-body.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * The first step after the admission: from here on the request's message is there. A unary message is read now, the
 * messages of a stream when they are pulled, at the stream's turn. What cannot be read passes the steps before as an error, so that it
 * gets its request id and its line in the log.
 */
export function bodyInterceptor(): StepInterceptor {
  return step("body", (next) => async (request) => {
    const { contextValues } = request;
    const body = contextValues.get(unreadBodyKey);
    if (body?.compression !== undefined && isNobody(contextValues)) {
      throw problemError({
        code: Code.Unauthenticated,
        reason: "CREDENTIAL_REQUIRED",
        message: `a message compressed with ${body.compression.slice(0, 20)} needs a credential: send the message uncompressed, or with a credential`,
      });
    }
    if (request.stream) {
      const begun = body?.begin?.();
      if (begun !== undefined) await raceAbort(begun, request.signal);
      return next(request);
    }
    if (body === undefined) return next(request);
    return next({ ...request, message: await body.read() });
  });
}

/** From outside, without a credential. */
function isNobody(values: ContextValues): boolean {
  return values.get(peerWorkloadKey) === undefined && values.get(callerKey).principal.kind === "anonymous";
}
