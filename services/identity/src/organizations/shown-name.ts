import { IdentityError } from "../errors.ts";
import type { OrganizationRepository } from "./organization-repository.ts";

/** What people are shown of an organization: its legal name where that was verified; its id where it is gone. */
export async function shownName(
  organizations: Pick<OrganizationRepository, "organization">,
  id: string,
): Promise<string> {
  try {
    const { verification, displayName } = await organizations.organization(id);
    return verification?.legalName ?? displayName;
  } catch (error) {
    if (error instanceof IdentityError && error.code === "not_found") return id;
    throw error;
  }
}
