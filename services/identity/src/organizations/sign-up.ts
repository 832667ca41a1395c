import type { Clock, Ids } from "@wellapi/runtime";
import type { Call } from "../accesses.ts";
import type { AccountRepository } from "../accounts/account-repository.ts";
import type { CreationOf } from "../creation.ts";
import { signUpClosed } from "../errors.ts";
import type { MemberRepository } from "../members/member-repository.ts";
import type { FoundingRepository } from "./founding-repository.ts";
import { newParticipant, type Organization } from "./organization.ts";

/** Organizations that people make by themselves. Nobody has verified them, so only a sandbox lets them. */
export interface SignUp {
  /**
   * Makes the organization and its founder its owner, in one commit. Throws `sandbox_only`, `too_many_organizations`,
   * `request_id_reused`.
   */
  found(displayName: string, requestId: string, call: Call): Promise<Organization>;
  /** How many more the account may make; 0 where nobody may. */
  left(account: string): Promise<number>;
}

export function createSignUp(deps: {
  readonly foundings: FoundingRepository;
  readonly members: Pick<MemberRepository, "joining">;
  readonly accounts: Pick<AccountRepository, "find">;
  readonly creationOf: CreationOf;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly sandbox: boolean;
}): SignUp {
  const { foundings, members, accounts, creationOf, clock, ids, sandbox } = deps;
  return {
    async found(displayName, requestId, { caller, commit }) {
      if (!sandbox) throw signUpClosed();
      const account = caller.principal.id;
      const now = clock.now();
      const organization = { id: ids.next("org"), ...newParticipant(displayName, now) };
      const email = (await accounts.find(account))?.account.email;
      // The journal needs nothing of it: nobody has held a role there before that a restore could give back.
      const { changes } = await members.joining(
        { body: organization.id, account, roles: ["owner"], email },
        now,
      );
      return foundings.found(organization, creationOf(account, requestId), changes, commit());
    },
    async left(account) {
      return sandbox ? foundings.left(account) : 0;
    },
  };
}
