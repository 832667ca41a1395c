import { Code } from "@connectrpc/connect";
import { type Caller, callerKey } from "../caller/caller.ts";
import { callersOf, isPublic, type Unmet, unmetBy } from "../caller/callers.ts";
import { peerWorkloadKey } from "../caller/context.ts";
import type { Denials } from "../caller/denials.ts";
import type { Problem } from "../problem.ts";
import { problemError } from "../status.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * Permits by the contract's own table (wellapi/type/v1/callers.proto): principal kind and calling workload, roles, scopes and
 * assurance.
 */
export function authorizationInterceptor(denials: Denials | undefined): StepInterceptor {
  return step("authorization", (next) => async (request) => {
    const caller = request.contextValues.get(callerKey);
    const outside = request.contextValues.get(peerWorkloadKey) === undefined;
    const served = !outside || isPublic(request.service);
    const unmet = served ? unmetBy(callersOf(request.method), caller) : "caller";
    if (unmet === undefined) return next(request);
    const rpc = `${request.service.typeName}/${request.method.name}`;
    if (served && outside && caller.principal.kind === "anonymous") {
      throw problemError({
        code: Code.Unauthenticated,
        reason: "CREDENTIAL_REQUIRED",
        message: `${rpc} needs a credential: send a client certificate, or "authorization: Bearer" with an API key or token`,
      });
    }
    if (outside) denials?.denied(caller, request.method);
    throw problemError({ code: Code.PermissionDenied, ...refusals[unmet](rpc, caller) });
  });
}

/** Which part of the rule cut the call, and what would be needed. */
const refusals: Readonly<
  Record<Unmet, (rpc: string, caller: Caller) => Pick<Problem, "reason" | "message">>
> = {
  caller: (rpc, { principal, workload }) => ({
    reason: "CALLER_NOT_PERMITTED",
    message: `${rpc} is not for callers of the kind ${principal.kind} by way of ${workload}`,
  }),
  role: (rpc) => ({
    reason: "ROLE_REQUIRED",
    message: `${rpc} needs a role that you do not have: docs/permissions.md lists which; ask an owner or administrator for it`,
  }),
  scope: (rpc) => ({
    reason: "SCOPE_REQUIRED",
    message: `${rpc} is not within the scopes of this access token: ask for a token with the scope that docs/permissions.md names`,
  }),
  assurance: (rpc) => ({
    reason: "ASSURANCE_REQUIRED",
    message: `${rpc} needs a stronger sign-in: use a passkey or a second factor, now, and call again`,
  }),
};
