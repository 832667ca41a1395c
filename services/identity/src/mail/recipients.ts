import type { Role } from "@wellapi/rpc";
import type { Language } from "../accounts/account.ts";
import type { AccountRepository } from "../accounts/account-repository.ts";
import type { DelegationRepository } from "../delegations/delegation-repository.ts";
import type { Body } from "../members/member.ts";
import type { MemberRepository } from "../members/member-repository.ts";
import { patientIdOf } from "../patients/patient.ts";

const MOST = 1_000;

/** Where mail goes, and in which language. */
export interface Recipient {
  readonly email: string;
  readonly language: Language;
}

export interface RecipientsDeps {
  readonly accounts: Pick<AccountRepository, "find" | "findByPatient">;
  readonly members: Pick<MemberRepository, "ofBody">;
  readonly delegations: Pick<DelegationRepository, "ofPatient">;
}

/** The patient, where they have an account, and their guardians that act. */
export async function patientAndGuardians(
  { accounts, delegations }: Pick<RecipientsDeps, "accounts" | "delegations">,
  partition: string,
): Promise<ReadonlyArray<Recipient & { readonly account: string; readonly as: "patient" | "guardian" }>> {
  const found = [];
  const patient = await accounts.findByPatient(patientIdOf(partition) ?? "");
  if (patient !== undefined) {
    const { id: account, email, language } = patient.account;
    found.push({ account, email, language, as: "patient" } as const);
  }
  const { items } = await delegations.ofPatient(partition, { size: MOST });
  for (const { kind, state, particulars } of items) {
    if (kind !== "guardian" || state !== "active" || particulars.account === undefined) continue;
    const guardian = (await accounts.find(particulars.account))?.account;
    if (guardian === undefined) continue;
    const { id: account, email, language } = guardian;
    found.push({ account, email, language, as: "guardian" } as const);
  }
  return found;
}

/** The members of an organization, or of the staff, that have one of the roles. */
export async function membersWith(
  { accounts, members }: Pick<RecipientsDeps, "accounts" | "members">,
  body: Body,
  roles: readonly Role[],
): Promise<readonly Recipient[]> {
  const found: Recipient[] = [];
  for (const member of (await members.ofBody(body, { size: MOST })).items) {
    if (!member.roles.some((role) => roles.includes(role))) continue;
    const known = (await accounts.find(member.account))?.account;
    const email = known?.email ?? member.email;
    if (email !== undefined) found.push({ email, language: known?.language ?? "en" });
  }
  return found;
}

/** Each address once: the first counts. */
export function eachOnce<R extends Recipient>(recipients: readonly R[]): readonly R[] {
  const known = new Map<string, R>();
  for (const one of recipients) if (!known.has(one.email)) known.set(one.email, one);
  return [...known.values()];
}
