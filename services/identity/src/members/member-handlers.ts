import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { callerKey, type PageTokens } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Accesses } from "../accesses.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import { checkOwn } from "../organizations/own-organization.ts";
import { openPage } from "../page.ts";
import type { InvitationRepository } from "./invitation-repository.ts";
import {
  fromRoles,
  toInvitationMessage,
  toMemberMessage,
  toOrganizationId,
  toRoles,
} from "./member-convert.ts";
import type { MemberRepository } from "./member-repository.ts";
import type { Memberships } from "./memberships.ts";

const { method } = MemberService;

export interface MemberHandlersDeps {
  readonly accesses: Accesses;
  readonly organizations: OrganizationRepository;
  readonly members: MemberRepository;
  readonly invitations: InvitationRepository;
  readonly memberships: Memberships;
  readonly pageTokens: PageTokens;
  readonly clock: Clock;
}

type Handlers = ServiceImpl<typeof MemberService>;

export function createMemberHandlers(deps: MemberHandlersDeps): Handlers {
  return { ...createInvitationHandlers(deps), ...createMembershipHandlers(deps) };
}

function createInvitationHandlers({
  accesses,
  organizations,
  invitations,
  memberships,
  pageTokens,
  clock,
}: MemberHandlersDeps): Pick<
  Handlers,
  "inviteMember" | "listInvitations" | "revokeInvitation" | "getInvitation" | "acceptInvitation"
> {
  return {
    inviteMember(request, context) {
      const { organization: body, email, language, requestId } = request;
      return accesses.logged(context, method.inviteMember, "", async (call) => {
        checkOwn(call.caller, body);
        const asked = { body, email, roles: fromRoles(request.roles), language, requestId };
        return { invitation: toInvitationMessage(await memberships.invite(asked, call), clock.now()) };
      });
    },
    async listInvitations(request, context) {
      const caller = context.values.get(callerKey);
      checkOwn(caller, request.organization);
      const { id } = await organizations.organization(request.organization);
      const page = openPage(pageTokens, caller, method.listInvitations, request);
      const { items, cursor } = await invitations.ofBody(id, page.request);
      return {
        invitations: items.map((one) => toInvitationMessage(one, clock.now())),
        nextPageToken: page.nextPageToken(cursor),
      };
    },
    revokeInvitation({ organization, invitation }, context) {
      return accesses.logged(context, method.revokeInvitation, "", async (call) => {
        checkOwn(call.caller, organization);
        const ended = await memberships.takeBack(organization, invitation, call);
        return { invitation: toInvitationMessage(ended, clock.now()) };
      });
    },
    async getInvitation({ code }) {
      const { invitation, organizationName, verified } = await memberships.offer(code);
      return {
        organization: toOrganizationId(invitation.body),
        organizationName,
        verified,
        roles: toRoles(invitation.roles),
        expireTime: timestampFromMs(invitation.expireTime),
      };
    },
    acceptInvitation({ code }, context) {
      return accesses.logged(context, method.acceptInvitation, "", async (call) => {
        const { body, roles } = await memberships.accept(code, call);
        return { organization: toOrganizationId(body), roles: toRoles(roles) };
      });
    },
  };
}

function createMembershipHandlers({
  accesses,
  organizations,
  members,
  memberships,
  pageTokens,
}: MemberHandlersDeps): Pick<Handlers, "listMembers" | "updateMember" | "removeMember"> {
  return {
    async listMembers(request, context) {
      const caller = context.values.get(callerKey);
      checkOwn(caller, request.organization);
      const { id } = await organizations.organization(request.organization);
      const page = openPage(pageTokens, caller, method.listMembers, request);
      const { items, cursor } = await members.ofBody(id, page.request);
      return { members: items.map(toMemberMessage), nextPageToken: page.nextPageToken(cursor) };
    },
    updateMember({ member: asked }, context) {
      return accesses.logged(context, method.updateMember, "", async (call) => {
        const { organization: body = "", account = "", roles = [], etag = "" } = asked ?? {};
        checkOwn(call.caller, body);
        const member = await memberships.change({ body, account, roles: fromRoles(roles) }, etag, call);
        return { member: toMemberMessage(member) };
      });
    },
    removeMember({ organization: body, account, etag }, context) {
      return accesses.logged(context, method.removeMember, "", async (call) => {
        checkOwn(call.caller, body);
        await memberships.change({ body, account, roles: [] }, etag, call);
        return {};
      });
    },
  };
}
