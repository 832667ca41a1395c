import type { ServiceImpl } from "@connectrpc/connect";
import { StaffService } from "@wellapi/gen/wellapi/identity/v1/staff_service_pb";
import { callerKey, type PageTokens } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Accesses } from "../accesses.ts";
import type { InvitationRepository } from "../members/invitation-repository.ts";
import { STAFF } from "../members/member.ts";
import { fromRoles, toInvitationMessage, toStaffMessage } from "../members/member-convert.ts";
import type { MemberRepository } from "../members/member-repository.ts";
import type { Memberships } from "../members/memberships.ts";
import { openPage } from "../page.ts";

const { method } = StaffService;

/** The staff is a body as an organization is: the same rules, other roles. */
export function createStaffHandlers({
  accesses,
  members,
  invitations,
  memberships,
  pageTokens,
  clock,
}: {
  readonly accesses: Accesses;
  readonly members: MemberRepository;
  readonly invitations: InvitationRepository;
  readonly memberships: Memberships;
  readonly pageTokens: PageTokens;
  readonly clock: Clock;
}): ServiceImpl<typeof StaffService> {
  return {
    inviteStaff(request, context) {
      const { email, language, requestId } = request;
      return accesses.logged(context, method.inviteStaff, "", async (call) => {
        const asked = { body: STAFF, email, roles: fromRoles(request.roles), language, requestId };
        return { invitation: toInvitationMessage(await memberships.invite(asked, call), clock.now()) };
      });
    },
    async listStaffInvitations(request, context) {
      const caller = context.values.get(callerKey);
      const page = openPage(pageTokens, caller, method.listStaffInvitations, request);
      const { items, cursor } = await invitations.ofBody(STAFF, page.request);
      return {
        invitations: items.map((one) => toInvitationMessage(one, clock.now())),
        nextPageToken: page.nextPageToken(cursor),
      };
    },
    revokeStaffInvitation({ invitation }, context) {
      return accesses.logged(context, method.revokeStaffInvitation, "", async (call) => {
        const ended = await memberships.takeBack(STAFF, invitation, call);
        return { invitation: toInvitationMessage(ended, clock.now()) };
      });
    },
    async listStaff(request, context) {
      const caller = context.values.get(callerKey);
      const page = openPage(pageTokens, caller, method.listStaff, request);
      const { items, cursor } = await members.ofBody(STAFF, page.request);
      return { staff: items.map(toStaffMessage), nextPageToken: page.nextPageToken(cursor) };
    },
    updateStaff({ staffMember }, context) {
      return accesses.logged(context, method.updateStaff, "", async (call) => {
        const { account = "", roles = [], etag = "" } = staffMember ?? {};
        const asked = { body: STAFF, account, roles: fromRoles(roles) };
        return { staffMember: toStaffMessage(await memberships.change(asked, etag, call)) };
      });
    },
    removeStaff({ account, etag }, context) {
      return accesses.logged(context, method.removeStaff, "", async (call) => {
        await memberships.change({ body: STAFF, account, roles: [] }, etag, call);
        return {};
      });
    },
  };
}
