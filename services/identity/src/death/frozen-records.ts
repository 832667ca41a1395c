import type { Account } from "../accounts/account.ts";
import { partitionOf } from "../patients/patient.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";

/** Whose records are frozen, because they died. Nothing of it is remembered: each exchange of a credential asks. */
export interface FrozenRecords {
  /** Whether the person of the account died: nobody signs in as them. */
  ofAccount(account: Pick<Account, "patient">): Promise<boolean>;
}

export function createFrozenRecords(deps: {
  readonly patients: Pick<PatientRepository, "frozenSince">;
  readonly region: string;
}): FrozenRecords {
  const { patients, region } = deps;
  return {
    async ofAccount({ patient }) {
      if (patient === undefined) return false;
      return (await patients.frozenSince(partitionOf(region, patient))) !== undefined;
    },
  };
}
