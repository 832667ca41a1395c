import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { problemError } from "../status.ts";
import type { Caller } from "./caller.ts";
import { rpcNameOf } from "./callers.ts";

/**
 * The refusal of a call that a policy keeps from its caller; undefined where none does. The look-up is all that a policy costs
 * a call: policies are evaluated when the caller's credential is exchanged.
 */
export function policyDenial({ deniedCalls }: Caller, method: DescMethod): ConnectError | undefined {
  if (deniedCalls === undefined) return undefined;
  const rpc = rpcNameOf(method);
  const denial = deniedCalls.get(rpc);
  if (denial === undefined) return undefined;
  return problemError({
    code: Code.PermissionDenied,
    reason: "POLICY_DENIED",
    message: `the policy ${denial.policy} refuses ${rpc}: ${denial.reason}`,
  });
}
