import type { Follower } from "@wellapi/journal";
import type { Principal, Role } from "@wellapi/rpc";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Change } from "@wellapi/store";
import type { Call } from "../accesses.ts";
import { INSTALLATION } from "../collections.ts";
import type { CreationOf } from "../creation.ts";
import { invalidField } from "../errors.ts";
import { writeDown } from "../journal-entries.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import { toAddress } from "../sign-in/email.ts";
import {
  FIRST_START,
  type Invitation,
  invitationCodes,
  invitationLifetime,
  isPending,
} from "./invitation.ts";
import type { MailInvitation } from "./invitation-mail.ts";
import type { InvitationRepository } from "./invitation-repository.ts";
import { type Body, beyond, inOrder, type Member, rolesOf, STAFF } from "./member.ts";
import { invitationInvalid, roleRequired } from "./member-errors.ts";
import { endOfInvitation, roleChangeOf } from "./member-journal.ts";
import type { MemberRepository } from "./member-repository.ts";

/** What an invitation asks. */
export interface Asked {
  readonly body: Body;
  readonly email: string;
  readonly roles: readonly Role[];
  readonly language: string;
  readonly requestId: string;
}

/** What is done with memberships, in organizations and among the staff alike. Each change leaves its entry with it. */
export interface Memberships {
  /**
   * Stores an invitation and mails its code. Throws `invalid`, `role_required`, `not_found` and `deleted` for the organization,
   * `request_id_reused`, `invitation_limit`, `mail_unavailable`.
   */
  invite(asked: Asked, call: Call): Promise<Invitation>;
  /** Throws `not_found`, `journal_unavailable`. */
  takeBack(body: Body, invitation: string, call: Call): Promise<Invitation>;
  /** What a code offers. Throws `invitation_invalid`. */
  offer(code: string): Promise<{
    readonly invitation: Invitation;
    /** Empty for the staff. */
    readonly organizationName: string;
    readonly verified: boolean;
  }>;
  /** Throws `invitation_invalid`, `journal_unavailable`. */
  accept(code: string, call: Call): Promise<Member>;
  /**
   * Gives these roles; none ends the membership. Throws `invalid`, `role_required`, `last_keeper`, `not_found`, `stale_etag`,
   * `journal_unavailable`.
   */
  change(
    asked: { readonly body: Body; readonly account: string; readonly roles: readonly Role[] },
    etag: string,
    call: Call,
  ): Promise<Member>;
}

export interface MembershipsDeps {
  readonly members: MemberRepository;
  readonly invitations: InvitationRepository;
  readonly organizations: OrganizationRepository;
  readonly mail: MailInvitation;
  readonly creationOf: CreationOf;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Called after roles were taken away, once that is durable. */
  readonly ended: (account: string) => void;
}

export function createMemberships(deps: MembershipsDeps): Memberships {
  const { members, invitations, journal, clock, ended } = deps;
  return {
    invite: (asked, call) => invite(deps, asked, call),
    async takeBack(body, id, { commit }) {
      const also = (one: Invitation) => [journal.owed(endOfInvitation(one))];
      const invitation = await invitations.takeBack(body, id, clock.now(), commit(), also);
      // Also where it had ended: an earlier call may have failed here.
      await writeDown(journal, endOfInvitation(invitation));
      return invitation;
    },
    async offer(code) {
      if (!invitationCodes.looksLike(code)) throw invitationInvalid();
      const { invitation } = await invitations.withCode(code, clock.now());
      if (invitation.body === STAFF) return { invitation, organizationName: "", verified: true };
      const { displayName, verification } = await deps.organizations.organization(invitation.body);
      return { invitation, organizationName: displayName, verified: verification !== undefined };
    },
    accept: (code, call) => accept(deps, code, call),
    async change({ body, account, roles }, etag, { caller, commit }) {
      if (roles.length > 0) checkRoles(body, roles);
      const leaving = roles.length === 0 && account === caller.principal.id;
      const { member, changed } = await members.change(
        { body, account, roles },
        {
          etag,
          now: clock.now(),
          commit: commit(),
          check(before) {
            if (!leaving) checkReach(caller.principal, [...before.roles, ...roles]);
          },
          also: (one) => [journal.owed(roleChangeOf(one))],
        },
      );
      if (changed) ended(account);
      await writeDown(journal, roleChangeOf(member));
      return member;
    },
  };
}

async function invite(deps: MembershipsDeps, asked: Asked, { caller, commit }: Call): Promise<Invitation> {
  const { invitations, mail, creationOf, clock, ids } = deps;
  const { body, roles, language, requestId } = asked;
  checkRoles(body, roles);
  checkReach(caller.principal, roles);
  const now = clock.now();
  const code = invitationCodes.create();
  const email = toAddress(asked.email);
  const invitation = await invitations.invite(
    {
      id: ids.next("inv"),
      body,
      roles: inOrder(body, roles),
      email,
      inviter: caller.principal.id,
      createTime: now,
      expireTime: now + invitationLifetime,
    },
    code,
    creationOf(caller.principal.id, requestId),
    commit(),
    () => holding(deps, body),
  );
  if (!isPending(invitation, now)) return invitation;
  const organizationName = await nameOf(deps, body);
  const { expireTime } = invitation;
  await mail(email, language, { code, organizationName, roles: invitation.roles, expireTime });
  return invitation;
}

async function accept(deps: MembershipsDeps, code: string, { caller, commit }: Call): Promise<Member> {
  const { members, invitations, journal, clock } = deps;
  if (!invitationCodes.looksLike(code)) throw invitationInvalid();
  const account = caller.principal.id;
  for (;;) {
    const now = clock.now();
    const held = await invitations.withCode(code, now);
    const { id, body, roles, email } = held.invitation;
    await checkInviter(members, held.invitation);
    const { member, changes } = await members.joining({ body, account, roles, email }, now);
    const facts = [endOfInvitation({ id, endTime: now }), roleChangeOf(member)];
    const result = await commit()({
      partition: INSTALLATION,
      changes: [
        await invitations.ending(held, now, account),
        ...changes,
        ...(await holding(deps, body)),
        ...facts.map((fact) => journal.owed(fact)),
      ],
    });
    if (!result.committed) continue;
    for (const fact of facts) await writeDown(journal, fact);
    return member;
  }
}

/** Nothing is made for an organization that is being deleted. */
async function holding({ organizations }: MembershipsDeps, body: Body): Promise<readonly Change[]> {
  return body === STAFF ? [] : [await organizations.holding("organization", body)];
}

async function nameOf({ organizations }: MembershipsDeps, body: Body): Promise<string | undefined> {
  return body === STAFF ? undefined : (await organizations.organization(body)).displayName;
}

/** Throws `invalid` for a role of the other kind of body. */
function checkRoles(body: Body, roles: readonly Role[]): void {
  const wrong = roles.find((role) => !rolesOf(body).includes(role));
  if (wrong === undefined) return;
  const known = rolesOf(body).join(", ");
  throw invalidField(
    "roles",
    `${wrong} is no role ${body === STAFF ? "of the staff" : "of members"}: ${known}`,
  );
}

/** Throws `role_required` where the caller may not give or take one of the roles. */
function checkReach({ kind, roles = [] }: Principal, asked: readonly Role[]): void {
  // A credential of a script has the role operator.
  if (kind === "operator") return;
  const wrong = beyond(roles, asked);
  if (wrong !== undefined) throw roleRequired(`with your roles you may not give or take the role ${wrong}`);
}

/** Throws `invitation_invalid` where who invited has lost the right to since. */
async function checkInviter(members: MemberRepository, { body, roles, inviter }: Invitation): Promise<void> {
  if (inviter === FIRST_START && (await members.keeper(STAFF)) !== undefined) throw invitationInvalid();
  // The key of a script may have been replaced since.
  if (!inviter.startsWith("usr_")) return;
  const [member, staff] = await Promise.all([members.find(body, inviter), members.find(STAFF, inviter)]);
  const own = [...(member?.roles ?? []), ...(staff?.roles ?? [])];
  if (beyond(own, roles) !== undefined) throw invitationInvalid();
}
