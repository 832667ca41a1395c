import type { Follower } from "@wellapi/journal";
import type { Clock } from "@wellapi/runtime";
import type { Change } from "@wellapi/store";
import type { Call } from "../accesses.ts";
import { writeDown } from "../journal-entries.ts";
import { patientIdOf } from "../patients/patient.ts";
import { type Delegation, disputedBy, inState, type State } from "./delegation.ts";
import { delegationChangeOf } from "./delegation-journal.ts";
import type { DelegationRepository } from "./delegation-repository.ts";

/** Mail that tells people of a change of a guardian. */
export interface ChangeNotices {
  /** Belongs to the commit of the change; none where nobody is to be told. */
  changed(before: Delegation, after: Delegation): Promise<readonly Change[]>;
  /** After the commit. */
  kick(): void;
}

/** Changes of who acts in patients' names. Once one resolves it holds everywhere, and a restore does not undo it. */
export interface DelegationChanges {
  /** Throws `not_found`, and what `may` throws, which is asked with the delegation as it is when it changes. */
  change(
    id: string,
    to: { readonly state: State; readonly reason?: string },
    may: (current: Delegation) => void,
    call: Call,
  ): Promise<Delegation>;
  /** `by`: the account of another guardian; empty: the patient. Throws as `change` does. */
  dispute(
    id: string,
    disputed: { readonly by: string; readonly reason: string },
    may: (current: Delegation) => void,
    call: Call,
  ): Promise<Delegation>;
}

export interface DelegationChangesDeps {
  readonly delegations: Pick<DelegationRepository, "delegation" | "amend">;
  readonly notices: ChangeNotices;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  /** Called with the account after an access is over, durably. */
  readonly ended: (account: string) => void;
}

export function createDelegationChanges(deps: DelegationChangesDeps): DelegationChanges {
  const { delegations, notices, journal, clock, ended } = deps;

  async function apply(
    id: string,
    next: (current: Delegation) => Delegation,
    call: Call,
  ): Promise<Delegation> {
    const { partition } = await delegations.delegation(id);
    const patient = { id: patientIdOf(partition)!, partition };
    call.about(patient);
    const { delegation, changed } = await delegations.amend(
      id,
      next,
      call.commit(patient),
      async (after, before) => [
        journal.owed(delegationChangeOf(after)),
        ...(await notices.changed(before, after)),
      ],
    );
    if (changed) notices.kick();
    const { account } = delegation.particulars;
    if (changed && delegation.state !== "active" && account !== undefined) ended(account);
    // Also where nothing changed: an earlier call may have failed here.
    if (delegation.version > 0) await writeDown(journal, delegationChangeOf(delegation));
    return delegation;
  }

  return {
    change(id, { state, reason }, may, call) {
      const next = (current: Delegation) => {
        may(current);
        const changed = inState(current, state, clock.now());
        return changed === current ? current : withReason(changed, reason);
      };
      return apply(id, next, call);
    },
    dispute(id, { by, reason }, may, call) {
      const next = (current: Delegation) => {
        may(current);
        const changed = disputedBy(current, by, clock.now());
        const who = by === "" ? "the patient" : `guardian ${by}`;
        return changed === current ? current : withReason(changed, `${who}: ${reason}`);
      };
      return apply(id, next, call);
    },
  };
}

function withReason(delegation: Delegation, reason: string | undefined): Delegation {
  if (reason === undefined) return delegation;
  const { particulars, state, updateTime } = delegation;
  const day = new Date(updateTime).toISOString().slice(0, 10);
  const grounds = `${particulars.grounds ?? ""}\n${day} ${state}: ${reason}`.trim();
  return { ...delegation, particulars: { ...particulars, grounds: grounds.slice(-8_000) } };
}
