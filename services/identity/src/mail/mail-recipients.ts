import type { PatientRepository } from "../patients/patient-repository.ts";
import type { ActingLookups } from "../sessions/acting.ts";
import { type AccountRecipient, guardiansOf, patientsOwn, type RecipientsDeps } from "./recipients.ts";

/** Who gets mail about a patient's record. */
export interface MailRecipient extends AccountRecipient {
  /** Categories of a minor's own care, of which this one is told nothing. */
  readonly hides: readonly string[];
}

export interface MailRecipientsDeps extends Omit<RecipientsDeps, "members"> {
  readonly acting: Pick<ActingLookups, "findDelegation">;
  readonly patients: Pick<PatientRepository, "patient" | "frozenSince">;
}

/** The patient, or, where the patient has no account, the guardians who may act now. Nobody while the record is frozen. */
export async function mailRecipients(
  deps: MailRecipientsDeps,
  partition: string,
): Promise<readonly MailRecipient[]> {
  if ((await deps.patients.frozenSince(partition)) !== undefined) return [];
  const own = await patientsOwn(deps, partition);
  if (own !== undefined) return [{ ...own, hides: [] }];
  const found = [];
  for (const one of await guardiansOf(deps, partition)) {
    const role = await deps.acting.findDelegation(one.account, partition);
    if (role?.kind === "guardian") found.push({ ...one, hides: role.hides ?? [] });
  }
  return found;
}
