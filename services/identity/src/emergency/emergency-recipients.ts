import type { AccountRepository } from "../accounts/account-repository.ts";
import type { DelegationRepository } from "../delegations/delegation-repository.ts";
import { STAFF } from "../members/member.ts";
import type { MemberRepository } from "../members/member-repository.ts";
import { patientIdOf } from "../patients/patient.ts";
import type { Told } from "./emergency-mail.ts";

const MOST_OFFICERS = 1_000;
const MOST_DELEGATIONS = 1_000;

export interface EmergencyRecipientsDeps {
  readonly accounts: Pick<AccountRepository, "find" | "findByPatient">;
  readonly members: Pick<MemberRepository, "ofBody">;
  readonly delegations: Pick<DelegationRepository, "ofPatient">;
}

/**
 * Who is told of emergency access to a patient's data: the patient where they have an account, their guardians, and every privacy
 * officer. Each address once.
 */
export async function emergencyRecipients(
  { accounts, members, delegations }: EmergencyRecipientsDeps,
  partition: string,
): Promise<readonly Told[]> {
  const told = new Map<string, Told>();
  const add = (one: Told) => {
    if (!told.has(one.email)) told.set(one.email, one);
  };
  const patient = await accounts.findByPatient(patientIdOf(partition) ?? "");
  if (patient !== undefined) add({ ...addressOf(patient.account), as: "patient" });
  const { items } = await delegations.ofPatient(partition, { size: MOST_DELEGATIONS });
  for (const { kind, state, particulars } of items) {
    if (kind !== "guardian" || state !== "active" || particulars.account === undefined) continue;
    const guardian = await accounts.find(particulars.account);
    if (guardian !== undefined) add({ ...addressOf(guardian.account), as: "guardian" });
  }
  const staff = await members.ofBody(STAFF, { size: MOST_OFFICERS });
  for (const { account, roles, email } of staff.items) {
    if (!roles.includes("privacy_officer")) continue;
    const known = (await accounts.find(account))?.account;
    const to = known?.email ?? email;
    if (to !== undefined) add({ email: to, language: known?.language ?? "en", as: "officer" });
  }
  return [...told.values()];
}

function addressOf({ email, language }: Pick<Told, "email" | "language">) {
  return { email, language };
}
