import type { Caller } from "@wellapi/rpc";
import { callerNotPermitted, notFound } from "../errors.ts";

/**
 * A member acts for their own organization alone. Throws `caller_not_permitted` where a member names another one, whether it
 * exists or not.
 */
export function checkOwn({ principal }: Caller, organization: string): void {
  if (principal.kind !== "member" || principal.organization === organization) return;
  throw callerNotPermitted("a member acts for their own organization alone: name that one");
}

/** As `checkOwn`, for what is named by an id of its own: another organization's is as good as none. Throws `not_found`. */
export function checkOwned({ principal }: Caller, what: string, organization: string): void {
  if (principal.kind === "member" && principal.organization !== organization) throw notFound(what);
}
