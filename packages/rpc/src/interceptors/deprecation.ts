import type { Message } from "@bufbuild/protobuf";
import { createDeprecationNotice, deprecationNoticeKey } from "../answers/deprecation-notice.ts";
import { peerWorkloadKey } from "../caller/context.ts";
import { deprecatedIn } from "../checks/deprecation.ts";
import { mapStream } from "../wire/stream.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * At a door: notes what a call uses of its contract that is deprecated. The step `errors` tells the caller, whatever becomes of the
 * call. In a stream of requests a field is told where it is set before the first answer leaves: headers come once.
 */
export function deprecationInterceptor(): StepInterceptor {
  return step("deprecation", (next) => async (request) => {
    const { contextValues } = request;
    const parts = deprecatedIn(request.method);
    if (parts === undefined || contextValues.get(peerWorkloadKey) !== undefined) return next(request);
    const notice = createDeprecationNotice();
    contextValues.set(deprecationNoticeKey, notice);
    const { method, fields } = parts;
    if (method !== undefined) notice.add(method);
    if (fields === undefined) return next(request);
    const look = (message: Message): void => {
      for (const use of fields(message)) notice.add(use);
    };
    if (!request.stream) {
      look(request.message);
      return next(request);
    }
    const message = mapStream(request.message, (one) => {
      look(one);
      return one;
    });
    return next({ ...request, message });
  });
}
