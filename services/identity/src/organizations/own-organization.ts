import type { Caller } from "@wellapi/rpc";
import { callerNotPermitted } from "../errors.ts";

/**
 * A member acts for their own organization alone. Throws `caller_not_permitted` where a member names another one, whether it
 * exists or not.
 */
export function checkOwn({ principal }: Caller, organization: string): void {
  if (principal.kind !== "member" || principal.organization === organization) return;
  throw callerNotPermitted("a member acts for their own organization alone: name that one");
}
