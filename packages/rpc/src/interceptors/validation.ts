import type { DescMethod } from "@bufbuild/protobuf";
import { validateMessage } from "../checks/validation.ts";
import { problemError } from "../status.ts";
import { mapStream } from "../wire/stream.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * Checks each request message by the contract's rules before the handler gets it. The methods in `selfValidating`
 * check their stream's messages themselves, so that a bad message gets its own answer and the stream continues.
 */
export function validationInterceptor(selfValidating: readonly DescMethod[]): StepInterceptor {
  const exempt = new Set(selfValidating.map((method) => `${method.parent.typeName}/${method.name}`));
  return step("validation", (next) => async (request) => {
    if (!request.stream) {
      const problem = validateMessage(request.method.input, request.message);
      if (problem !== undefined) throw problemError(problem);
      return next(request);
    }
    if (exempt.has(`${request.service.typeName}/${request.method.name}`)) return next(request);
    const message = mapStream(request.message, (one) => {
      const problem = validateMessage(request.method.input, one);
      if (problem !== undefined) throw problemError(problem);
      return one;
    });
    return next({ ...request, message });
  });
}
