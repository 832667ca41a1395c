import { Code } from "@connectrpc/connect";
import { callerKey } from "../caller/caller.ts";
import { callersOf, isPublic, permits } from "../caller/callers.ts";
import { peerWorkloadKey } from "../caller/context.ts";
import type { Denials } from "../caller/denials.ts";
import { problemError } from "../status.ts";
import { type StepInterceptor, step } from "./step.ts";

/** Permits by the contract's own table (wellapi/type/v1/callers.proto): principal kind and calling workload. */
export function authorizationInterceptor(denials: Denials | undefined): StepInterceptor {
  return step("authorization", (next) => async (request) => {
    const caller = request.contextValues.get(callerKey);
    const outside = request.contextValues.get(peerWorkloadKey) === undefined;
    const served = !outside || isPublic(request.service);
    if (served && permits(callersOf(request.method), caller)) return next(request);
    const rpc = `${request.service.typeName}/${request.method.name}`;
    if (served && outside && caller.principal.kind === "anonymous") {
      throw problemError({
        code: Code.Unauthenticated,
        reason: "CREDENTIAL_REQUIRED",
        message: `${rpc} needs a credential: send a client certificate, or "authorization: Bearer" with an API key or token`,
      });
    }
    if (outside) denials?.denied(caller, request.method);
    throw problemError({
      code: Code.PermissionDenied,
      reason: "CALLER_NOT_PERMITTED",
      message: `${rpc} is not for callers of the kind ${caller.principal.kind} by way of ${caller.workload}`,
    });
  });
}
