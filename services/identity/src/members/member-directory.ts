import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import type { ActingLookups } from "../sessions/acting.ts";
import { STAFF } from "./member.ts";
import type { MemberRepository } from "./member-repository.ts";

/** Organizations of which an account is a member, and the staff. Those that are disabled or deleted have no members. */
export type MemberDirectory = Pick<ActingLookups, "findMembership" | "memberships" | "staffRoles">;

export function createMemberDirectory(deps: {
  readonly members: MemberRepository;
  readonly organizations: OrganizationRepository;
}): MemberDirectory {
  const { members, organizations } = deps;
  return {
    async findMembership(account, organization) {
      if (organization === STAFF) return undefined;
      const member = await members.find(organization, account);
      if (member === undefined) return undefined;
      const found = await organizations.organization(organization);
      if (found.state !== "active") return undefined;
      // Who may not call as an application reads nothing as a person either; the organization can still be run.
      const trusted = organizations.isTrusted(found);
      return { roles: trusted ? member.roles : member.roles.filter((role) => role !== "clinician") };
    },
    async memberships(account) {
      const all = (await members.ofAccount(account)).filter(({ body }) => body !== STAFF);
      const found = await Promise.all(
        all.map(async ({ body, roles }) => {
          const { displayName, state } = await organizations.organization(body);
          return { organization: body, displayName, roles, state };
        }),
      );
      return found
        .filter(({ state }) => state === "active")
        .map(({ organization, displayName, roles }) => ({ organization, displayName, roles }));
    },
    async staffRoles(account) {
      return (await members.find(STAFF, account))?.roles ?? [];
    },
  };
}
