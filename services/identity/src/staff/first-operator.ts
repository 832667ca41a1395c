import type { Clock, Ids } from "@wellapi/runtime";
import { type Store, StoreError } from "@wellapi/store";
import { DAY } from "../credentials/credential.ts";
import { FIRST_START, invitationCodes } from "../members/invitation.ts";
import type { InvitationRepository } from "../members/invitation-repository.ts";
import { STAFF } from "../members/member.ts";
import type { MemberRepository } from "../members/member-repository.ts";

/**
 * Makes an invitation for the first operator, where the staff has no operator: whoever starts the exchange sees its code once,
 * and the first who accepts becomes the operator. It works for a day; the next start makes another one. Undefined where there
 * is an operator.
 */
export async function inviteFirstOperator(deps: {
  readonly store: Store;
  readonly members: MemberRepository;
  readonly invitations: InvitationRepository;
  readonly clock: Clock;
  readonly ids: Ids;
}): Promise<string | undefined> {
  const { store, members, invitations, clock, ids } = deps;
  if ((await members.keeper(STAFF)) !== undefined) return undefined;
  const code = invitationCodes.create();
  const id = ids.next("inv");
  const createTime = clock.now();
  try {
    await invitations.invite(
      {
        id,
        body: STAFF,
        roles: ["operator"],
        inviter: FIRST_START,
        createTime,
        expireTime: createTime + DAY,
      },
      code,
      { creator: FIRST_START, requestId: id },
      (commit) => store.commit(commit),
      async () => [],
    );
  } catch (error) {
    // A start on a full disk goes on, and the next one makes the link.
    if (error instanceof StoreError && error.full) return undefined;
    throw error;
  }
  return code;
}
