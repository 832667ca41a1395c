import type { Caller } from "@wellapi/rpc";
import { callerNotPermitted, organizationUnverified } from "../errors.ts";
import type { OrganizationRepository } from "./organization-repository.ts";

/**
 * A member acts for their own organization alone. Throws `caller_not_permitted` where a member names another one, whether it
 * exists or not.
 */
export function checkOwn({ principal }: Caller, organization: string): void {
  if (principal.kind !== "member" || principal.organization === organization) return;
  throw callerNotPermitted("a member acts for their own organization alone: name that one");
}

/**
 * Whoever says who acts for patients must be known: a guardian reads the whole record. Throws `organization_unverified` for a
 * member whose organization has to be verified for that, and is not.
 */
export async function checkTrusted(
  { principal }: Caller,
  organizations: Pick<OrganizationRepository, "organization" | "isTrusted">,
): Promise<void> {
  if (principal.kind !== "member") return;
  const organization = await organizations.organization(principal.organization ?? "");
  if (!organizations.isTrusted(organization)) throw organizationUnverified();
}
