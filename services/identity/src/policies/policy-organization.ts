import type { Caller } from "@wellapi/rpc";
import { callerNotPermitted, invalidField } from "../errors.ts";

/** A member's own organization, whatever is asked for; an operator has to name one. Throws `caller_not_permitted`. */
export function organizationOf({ principal }: Caller, asked: string): string {
  if (principal.organization === undefined) {
    if (asked === "") throw invalidField("organization", "name the organization: it is not your own");
    return asked;
  }
  if (asked !== "" && asked !== principal.organization) {
    throw callerNotPermitted("policies of another organization are not shown to members of yours");
  }
  return principal.organization;
}
