import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  Invitation_State,
  type InvitationSchema,
  type MemberSchema,
} from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import type { StaffMemberSchema } from "@wellapi/gen/wellapi/identity/v1/staff_service_pb";
import { Role as RoleMessage } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { Role } from "@wellapi/rpc";
import { invalidField } from "../errors.ts";
import { type Invitation, isPending } from "./invitation.ts";
import { type Body, etagOf, type Member, STAFF } from "./member.ts";

const roleMessages: Readonly<Record<Role, RoleMessage>> = {
  operator: RoleMessage.OPERATOR,
  privacy_officer: RoleMessage.PRIVACY_OFFICER,
  staff_auditor: RoleMessage.STAFF_AUDITOR,
  support: RoleMessage.SUPPORT,
  owner: RoleMessage.OWNER,
  administrator: RoleMessage.ADMINISTRATOR,
  developer: RoleMessage.DEVELOPER,
  clinician: RoleMessage.CLINICIAN,
  auditor: RoleMessage.AUDITOR,
};

const byMessage = new Map(Object.entries(roleMessages).map(([role, message]) => [message, role as Role]));

/** Throws `invalid` for a role that is not known here. */
export function fromRoles(roles: readonly RoleMessage[]): readonly Role[] {
  return roles.map((message) => {
    const role = byMessage.get(message);
    if (role === undefined) throw invalidField("roles", "is no role that is known here");
    return role;
  });
}

export function toRoles(roles: readonly Role[]): RoleMessage[] {
  return roles.map((role) => roleMessages[role]);
}

/** The organization's id as callers see it: empty for the staff. */
export function toOrganizationId(body: Body): string {
  return body === STAFF ? "" : body;
}

export function toMemberMessage(member: Member): MessageInitShape<typeof MemberSchema> {
  return { organization: member.body, ...common(member) };
}

export function toStaffMessage(member: Member): MessageInitShape<typeof StaffMemberSchema> {
  return common(member);
}

function common(member: Member) {
  const { account, roles, email = "", createTime, updateTime } = member;
  return {
    account,
    roles: toRoles(roles),
    email,
    createTime: timestampFromMs(createTime),
    updateTime: timestampFromMs(updateTime),
    etag: etagOf(member),
  };
}

export function toInvitationMessage(
  invitation: Invitation,
  now: number,
): MessageInitShape<typeof InvitationSchema> {
  const { id, body, roles, email = "", inviter, createTime, expireTime, account = "" } = invitation;
  return {
    id,
    organization: toOrganizationId(body),
    roles: toRoles(roles),
    email,
    inviter,
    state: stateOf(invitation, now),
    createTime: timestampFromMs(createTime),
    expireTime: timestampFromMs(expireTime),
    account,
  };
}

function stateOf(invitation: Invitation, now: number): Invitation_State {
  if (invitation.account !== undefined) return Invitation_State.ACCEPTED;
  if (invitation.endTime !== undefined) return Invitation_State.REVOKED;
  return isPending(invitation, now) ? Invitation_State.PENDING : Invitation_State.EXPIRED;
}
