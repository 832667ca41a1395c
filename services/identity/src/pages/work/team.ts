import { createClient, type Transport } from "@connectrpc/connect";
import {
  type Invitation,
  Invitation_State,
  type Member,
  MemberService,
} from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { type StaffMember, StaffService } from "@wellapi/gen/wellapi/identity/v1/staff_service_pb";
import { Assurance, Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { call } from "../signed-in.ts";

export interface AskedInvitation {
  readonly email: string;
  readonly roles: readonly Role[];
  readonly language: string;
  readonly requestId: string;
}

/** Those who work for an organization, or for the installation: the same page shows both. Each call throws what its RPC throws. */
export interface Team {
  /** Roles that there are in it. */
  readonly roles: readonly Role[];
  /** What a change needs of the session. */
  readonly assurance: Assurance.PASSKEY | Assurance.FRESH;
  members(): Promise<readonly (Member | StaffMember)[]>;
  /** Those that wait for an answer. */
  invitations(): Promise<readonly Invitation[]>;
  invite(asked: AskedInvitation): Promise<unknown>;
  withdraw(invitation: string): Promise<unknown>;
  change(account: string, roles: readonly Role[], etag: string): Promise<unknown>;
  remove(account: string, etag: string): Promise<unknown>;
}

/** As many as a page shows. */
const pageSize = 1_000;

const waiting = (all: readonly Invitation[]) => all.filter(({ state }) => state === Invitation_State.PENDING);

export function teamOfOrganization(transport: Transport, organization: string): Team {
  const client = createClient(MemberService, transport);
  return {
    roles: [Role.OWNER, Role.ADMINISTRATOR, Role.DEVELOPER, Role.CLINICIAN, Role.AUDITOR],
    assurance: Assurance.PASSKEY,
    members: async () => (await client.listMembers({ organization, pageSize }, call)).members,
    invitations: async () =>
      waiting((await client.listInvitations({ organization, pageSize }, call)).invitations),
    invite: ({ roles, ...asked }) => client.inviteMember({ organization, ...asked, roles: [...roles] }, call),
    withdraw: (invitation) => client.revokeInvitation({ organization, invitation }, call),
    change: (account, roles, etag) =>
      client.updateMember({ member: { organization, account, roles: [...roles], etag } }, call),
    remove: (account, etag) => client.removeMember({ organization, account, etag }, call),
  };
}

export function teamOfStaff(transport: Transport): Team {
  const client = createClient(StaffService, transport);
  return {
    roles: [Role.OPERATOR, Role.PRIVACY_OFFICER, Role.STAFF_AUDITOR, Role.SUPPORT],
    assurance: Assurance.FRESH,
    members: async () => (await client.listStaff({ pageSize }, call)).staff,
    invitations: async () => waiting((await client.listStaffInvitations({ pageSize }, call)).invitations),
    invite: ({ roles, ...asked }) => client.inviteStaff({ ...asked, roles: [...roles] }, call),
    withdraw: (invitation) => client.revokeStaffInvitation({ invitation }, call),
    change: (account, roles, etag) =>
      client.updateStaff({ staffMember: { account, roles: [...roles], etag } }, call),
    remove: (account, etag) => client.removeStaff({ account, etag }, call),
  };
}
