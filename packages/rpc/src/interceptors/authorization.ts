import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import type { Budget } from "../caller/budget.ts";
import { type Caller, callerKey } from "../caller/caller.ts";
import { callersOf, isPublic, rpcNameOf, type Unmet, unmetBy } from "../caller/callers.ts";
import { peerWorkloadKey } from "../caller/context.ts";
import type { Denials } from "../caller/denials.ts";
import { policyDenial } from "../caller/policy-denial.ts";
import type { Problem } from "../problem.ts";
import { problemError, problemOf } from "../status.ts";
import { takePrice } from "./spending.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * Permits by the contract's own table (wellapi/type/v1/callers.proto): principal kind and calling workload, roles, scopes and
 * assurance; and by the policies of who calls. A refusal is paid for like the denial of a service, because it leaves an entry, too; over the budget it is
 * `RATE_LIMITED`, without one.
 */
export function authorizationInterceptor({
  denials,
  budget,
  surface,
}: {
  readonly denials?: Denials;
  readonly budget?: Budget;
  /** The service whose own HTTP surfaces carry the calls; it carries those that no door serves. */
  readonly surface?: string;
}): StepInterceptor {
  return step("authorization", (next) => async (request) => {
    const caller = request.contextValues.get(callerKey);
    const outside = request.contextValues.get(peerWorkloadKey) === undefined;
    const callers = callersOf(request.method);
    const open = isPublic(request.service);
    const bySurface = surface !== undefined && callers?.surfaces.includes(surface) === true;
    const served = !outside || open || bySurface;
    // What no edge may carry for a caller, the surface that is named may.
    const byEdge = open && callers?.workloads.includes(caller.workload) === true;
    const carried = bySurface && !byEdge ? { ...caller, workload: surface } : caller;
    const unmet = served ? unmetBy(callers, carried) : "caller";
    const denied = unmet === undefined ? policyDenial(caller, request.method) : undefined;
    if (unmet === undefined && denied === undefined) return next(request);
    const spending = await takePrice(budget, request);
    const refusal =
      served && outside && caller.principal.kind === "anonymous"
        ? credentialRequired(request.method)
        : (denied ?? refusalOf(unmet!, request.method, caller));
    spending?.end(refusal);
    if (outside && refusal.code === Code.PermissionDenied)
      denials?.denied(caller, request.method, problemOf(refusal).reason);
    throw refusal;
  });
}

function credentialRequired(method: DescMethod): ConnectError {
  return problemError({
    code: Code.Unauthenticated,
    reason: "CREDENTIAL_REQUIRED",
    message: `${rpcNameOf(method)} needs a credential: send a client certificate, or "authorization: Bearer" with an API key or token`,
  });
}

function refusalOf(unmet: Unmet, method: DescMethod, caller: Caller): ConnectError {
  const scopes = callersOf(method)?.scopes ?? [];
  return problemError({
    code: Code.PermissionDenied,
    ...refusals[unmet](rpcNameOf(method), caller),
    ...(unmet === "scope" && scopes.length > 0 && { metadata: { scopes: scopes.join(" ") } }),
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
  representative: (rpc) => ({
    reason: "CALLER_NOT_PERMITTED",
    message: `${rpc} is not for representatives: who represents a patient who died sees the record and revokes consents, and changes nothing else`,
  }),
  role: (rpc, { principal: { kind } }) => ({
    reason: "ROLE_REQUIRED",
    message: `${rpc} needs a role that you do not have: docs/permissions.md lists which; ask ${kind === "operator" ? "an operator of this installation" : "an owner or administrator of your organization"} for it`,
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
