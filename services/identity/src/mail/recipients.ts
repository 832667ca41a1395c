import type { Role } from "@wellapi/rpc";
import type { Language } from "../accounts/account.ts";
import type { AccountRepository } from "../accounts/account-repository.ts";
import { isHeld } from "../delegations/delegation.ts";
import type { DelegationRepository } from "../delegations/delegation-repository.ts";
import { type InForceDeps, isInForce } from "../delegations/in-force.ts";
import type { Body } from "../members/member.ts";
import type { MemberRepository } from "../members/member-repository.ts";
import { patientIdOf } from "../patients/patient.ts";

const MOST = 1_000;

/** Where mail goes, and in which language. */
export interface Recipient {
  readonly email: string;
  readonly language: Language;
}

/** A recipient who has an account. */
export interface AccountRecipient extends Recipient {
  readonly account: string;
}

export interface RecipientsDeps extends InForceDeps {
  readonly accounts: Pick<AccountRepository, "find" | "findByPatient">;
  readonly members: Pick<MemberRepository, "ofBody">;
  readonly delegations: Pick<DelegationRepository, "ofPatient">;
}

/** The patient's own account; undefined where they have none. */
export async function patientsOwn(
  { accounts }: Pick<RecipientsDeps, "accounts">,
  partition: string,
): Promise<AccountRecipient | undefined> {
  const id = patientIdOf(partition);
  const patient = id === undefined ? undefined : (await accounts.findByPatient(id))?.account;
  return patient && { account: patient.id, email: patient.email, language: patient.language };
}

/**
 * The patient's guardians that count now, each account once: none whose time is over, and none who is disputed or blocked. Also while the
 * record is frozen, when no guardian acts: they hear of a death.
 */
export async function guardiansOf(
  deps: Omit<RecipientsDeps, "members">,
  partition: string,
): Promise<readonly AccountRecipient[]> {
  const { accounts, delegations } = deps;
  const { items } = await delegations.ofPatient(partition, { size: MOST });
  const guardians = items.filter(({ kind }) => kind === "guardian");
  const held = new Set(guardians.filter(isHeld).map(({ particulars }) => particulars.account));
  const found = new Map<string, AccountRecipient>();
  for (const one of guardians) {
    const { account } = one.particulars;
    if (account === undefined || held.has(account) || !(await isInForce(deps, one))) continue;
    const guardian = (await accounts.find(account))?.account;
    if (guardian !== undefined)
      found.set(account, { account, email: guardian.email, language: guardian.language });
  }
  return [...found.values()];
}

/** The patient, where they have an account, and their guardians that count now. */
export async function patientAndGuardians(
  deps: Omit<RecipientsDeps, "members">,
  partition: string,
): Promise<ReadonlyArray<AccountRecipient & { readonly as: "patient" | "guardian" }>> {
  const own = await patientsOwn(deps, partition);
  const guardians = await guardiansOf(deps, partition);
  return [
    ...(own === undefined ? [] : [{ ...own, as: "patient" as const }]),
    ...guardians.map((one) => ({ ...one, as: "guardian" as const })),
  ];
}

/** The members of an organization, or of the staff, that have one of the roles. */
export async function membersWith(
  { accounts, members }: Pick<RecipientsDeps, "accounts" | "members">,
  body: Body,
  roles: readonly Role[],
): Promise<readonly AccountRecipient[]> {
  const found: AccountRecipient[] = [];
  for (const member of (await members.ofBody(body, { size: MOST })).items) {
    if (!member.roles.some((role) => roles.includes(role))) continue;
    const { account } = member;
    const known = (await accounts.find(account))?.account;
    const email = known?.email ?? member.email;
    if (email !== undefined) found.push({ account, email, language: known?.language ?? "en" });
  }
  return found;
}

/** Each address once: the first counts. */
export function eachOnce<R extends Recipient>(recipients: readonly R[]): readonly R[] {
  const known = new Map<string, R>();
  for (const one of recipients) if (!known.has(one.email)) known.set(one.email, one);
  return [...known.values()];
}
