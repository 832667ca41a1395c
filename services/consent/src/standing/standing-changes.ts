import type { Change, OutboxEvent } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import { type CurrentConsents, noConsents, type RecallScope } from "../consent.ts";
import type { ConsentRepository, StoredCurrent } from "../consent-repository.ts";
import type { PendingRecall } from "../pending-recall-repository.ts";
import type { RecalledChanges } from "../recalled-changes.ts";

/** A patient's consents before a change. */
export interface Before {
  readonly partition: string;
  readonly stored: StoredCurrent | undefined;
  readonly current: CurrentConsents;
}

/** A change of what stands beside a patient's consents: emergency access, a freeze, a dispute. The consents themselves stay. */
export interface StandingChange {
  readonly scope: RecallScope;
  readonly after: CurrentConsents;
  readonly leaf: Change;
  /** Further documents of the same commit. In the turn in which the key was got: it may be dropped from memory. */
  readonly also: (key: PatientKey) => readonly Change[];
  readonly events?: readonly OutboxEvent[];
  /** It permits something: a full disk takes it not. */
  readonly opens: boolean;
}

export interface StandingChanges {
  before(partition: string): Promise<Before>;
  /** Commits and recalls. False: another writer was faster. Throws `patient_erased`, `unavailable`. */
  make(before: Before, change: StandingChange): Promise<boolean>;
}

export function createStandingChanges({
  consents,
  changes,
}: {
  readonly consents: Pick<ConsentRepository, "stored" | "commit">;
  readonly changes: Pick<RecalledChanges, "run">;
}): StandingChanges {
  return {
    async before(partition) {
      const stored = await consents.stored(partition);
      return { partition, stored, current: stored?.document.current ?? noConsents };
    },

    async make({ partition, stored }, { scope, ...change }) {
      const commit = async (recall: PendingRecall) => {
        const made = { partition, before: stored, changed: [], revisions: [], recall, ...change };
        return (await consents.commit(made)).committed ? true : undefined;
      };
      return (await changes.run(partition, scope, commit)) ?? false;
    },
  };
}
