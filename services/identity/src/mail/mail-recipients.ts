import type { AccountRepository } from "../accounts/account-repository.ts";
import type { DelegationRepository } from "../delegations/delegation-repository.ts";
import { patientIdOf } from "../patients/patient.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";
import type { ActingLookups } from "../sessions/acting.ts";

/** Who gets mail about a patient's record. */
export interface MailRecipient {
  readonly account: string;
  readonly email: string;
  readonly language: "en" | "de";
  /** Categories of a minor's own care, of which this one is told nothing. */
  readonly hides: readonly string[];
}

export interface MailRecipientsDeps {
  readonly accounts: Pick<AccountRepository, "find" | "findByPatient">;
  readonly delegations: Pick<DelegationRepository, "ofPatient">;
  readonly acting: Pick<ActingLookups, "findDelegation">;
  readonly patients: Pick<PatientRepository, "frozenSince">;
}

const MOST_DELEGATIONS = 1_000;

/** The patient, or, where the patient has no account, the guardians who may act now. Nobody while the record is frozen. */
export async function mailRecipients(
  { accounts, delegations, acting, patients }: MailRecipientsDeps,
  partition: string,
): Promise<readonly MailRecipient[]> {
  const id = patientIdOf(partition);
  if (id === undefined || (await patients.frozenSince(partition)) !== undefined) return [];
  const own = (await accounts.findByPatient(id))?.account;
  if (own !== undefined) return [{ account: own.id, email: own.email, language: own.language, hides: [] }];
  const { items } = await delegations.ofPatient(partition, { size: MOST_DELEGATIONS });
  const guardians = new Map<string, MailRecipient>();
  for (const { kind, particulars } of items) {
    if (kind !== "guardian" || particulars.account === undefined) continue;
    const role = await acting.findDelegation(particulars.account, partition);
    if (role?.kind !== "guardian") continue;
    const known = (await accounts.find(particulars.account))?.account;
    if (known === undefined) continue;
    const { id: account, email, language } = known;
    guardians.set(account, { account, email, language, hides: role.hides ?? [] });
  }
  return [...guardians.values()];
}
