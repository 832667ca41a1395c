import type { Follower } from "@wellapi/journal";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Change, Store } from "@wellapi/store";
import type { Call } from "../accesses.ts";
import type { AccountRepository } from "../accounts/account-repository.ts";
import type { CreationOf } from "../creation.ts";
import { DAY } from "../credentials/credential.ts";
import { type Delegation, endOf, isHeld } from "../delegations/delegation.ts";
import { delegationChangeOf } from "../delegations/delegation-journal.ts";
import type { DelegationRepository } from "../delegations/delegation-repository.ts";
import type { Delegations } from "../delegations/delegations.ts";
import type { Minority } from "../delegations/majority.ts";
import { invalidField, notFound, requestIdReused } from "../errors.ts";
import { writeDown } from "../journal-entries.ts";
import { createWindowLimit } from "../limits/window-limit.ts";
import { type Patient, patientIdOf } from "../patients/patient.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";
import type { GuardianCodes } from "./guardian-codes.ts";
import type { GuardianNotices } from "./guardian-notices.ts";
import {
  alreadyGuardian,
  guardianCodeInvalid,
  guardianHeld,
  patientFrozen,
  petitionClosed,
  petitionsLimited,
} from "./guardianship-errors.ts";
import {
  type Ending,
  ended,
  mostAsked,
  type Petition,
  type PetitionParticulars,
  petitionLifetime,
  saysTheSame,
  stateAt,
} from "./petition.ts";
import type { PetitionRepository } from "./petition-repository.ts";

export interface Asked {
  readonly code: string;
  readonly said: Omit<PetitionParticulars, "account" | "email" | "reason">;
  readonly requestId: string;
}

export interface Decision {
  readonly state: "confirmed" | "refused";
  readonly reason: string;
  readonly birthDate?: string;
  readonly groundsEnd?: number;
  /** Who verified: an organization; empty: the privacy officer. */
  readonly organization: string;
}

/** Petitions, from asking to the decision. Each change leaves its entry, and is told to whom it concerns. */
export interface Petitions {
  /** Throws `guardian_code_invalid`, `petition_waits`, `already_guardian`, `petition_limit`, `request_id_reused`, `invalid`. */
  ask(account: string, asked: Asked, call: Call): Promise<Petition>;
  /** Throws `not_found`, `petition_closed`. */
  withdraw(id: string, account: string, call: Call): Promise<Petition>;
  /** Throws `not_found`, `petition_closed`, `record_frozen`, `guardian_held`, `already_guardian`, `invalid`. */
  decide(id: string, decision: Decision, may: (current: Petition) => void, call: Call): Promise<Petition>;
}

export interface PetitionsDeps {
  readonly store: Store;
  readonly petitions: PetitionRepository;
  readonly codes: GuardianCodes;
  readonly accounts: Pick<AccountRepository, "find" | "macOf">;
  readonly delegations: DelegationRepository;
  readonly acting: Pick<Delegations, "find">;
  readonly patients: PatientRepository;
  readonly notices: GuardianNotices;
  readonly creationOf: CreationOf;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly minority: Minority;
  readonly clock: Clock;
  readonly ids: Ids;
}

export function createPetitions(deps: PetitionsDeps): Petitions {
  const { petitions, notices, clock } = deps;
  return {
    ask: createAsk(deps),
    async withdraw(id, account, call) {
      const { partition, particulars } = await petitions.petition(id);
      if (particulars.account !== account) throw notFound("petition");
      const patient = subjectOf(partition);
      call.about(patient);
      const { petition } = await petitions.amend(
        id,
        async (current) => {
          const now = clock.now();
          const petition = canEnd(current, "withdrawn", now)
            ? ended(current, { state: "withdrawn" }, now)
            : current;
          return { petition };
        },
        call.commit(patient),
      );
      return petition;
    },
    async decide(id, decision, may, call) {
      const { partition } = await petitions.petition(id);
      const patient = subjectOf(partition);
      let made: Delegation | undefined;
      const { petition, changed } = await petitions.amend(
        id,
        async (current) => {
          may(current);
          call.about(patient);
          const now = clock.now();
          if (!canEnd(current, decision.state, now)) return { petition: current };
          const guardian =
            decision.state === "confirmed" ? await guardianOf(deps, current, decision) : undefined;
          made = guardian?.delegation;
          const delegation = made && { delegation: made.id };
          const { state, reason } = decision;
          const decided = ended(current, { state, reason, ...delegation }, now);
          return {
            petition: decided,
            changes: [...(guardian?.changes ?? []), ...(await notices.decided(decided))],
          };
        },
        call.commit(patient),
      );
      if (changed) notices.kick();
      // What was made for a commit that another one overtook does not exist.
      await tellJournal(deps, petition, changed ? made : undefined);
      return petition;
    },
  };
}

function createAsk(deps: PetitionsDeps): Petitions["ask"] {
  const { store, petitions, codes, accounts, delegations, acting, notices, creationOf, clock, ids } = deps;
  const windows = [{ ms: DAY, most: mostAsked.petitions }];
  const limit = createWindowLimit({ store, clock, scope: "petitions", windows, limited: petitionsLimited });

  return async (account, { code: text, said, requestId }, call) => {
    const { email } = (await accounts.find(account))?.account ?? {};
    if (email === undefined) throw notFound("account");
    const particulars: PetitionParticulars = { ...said, account, email };
    const creation = creationOf(account, requestId);
    const same = (petition: Petition) => {
      if (!saysTheSame(petition.particulars, particulars)) throw requestIdReused();
      call.about(subjectOf(petition.partition));
      return petition;
    };
    const before = await petitions.created(creation);
    if (before !== undefined) return same(before);
    // Counted before the code is judged.
    await limit.take(account);
    const { code, patient } = await codes.inForce(text);
    call.about(patient);
    const { partition } = patient;
    const others = await delegations.between(account, partition);
    if (others.some(isHeld)) throw guardianCodeInvalid();
    if ((await acting.find(account, partition))?.kind === "guardian") throw alreadyGuardian();
    const now = clock.now();
    checkEnd(deps, patient, particulars, now);
    const petition: Petition = {
      id: ids.next("pet"),
      partition,
      state: "waiting",
      organization: code.organization ?? "",
      createTime: now,
      expireTime: now + petitionLifetime,
      particulars,
    };
    const mails = await notices.asked(petition);
    const stored = await petitions.insert(petition, creation, call.commit(patient), async () => {
      // Read again: of two persons with one code, one asks.
      const { usedBy } = await codes.inForce(text);
      return [usedBy(accounts.macOf(account)), ...mails];
    });
    if (stored.id !== petition.id) return same(stored);
    notices.kick();
    return stored;
  };
}

/** The guardian that a confirmation makes, with what is stored of it. */
async function guardianOf(
  deps: PetitionsDeps,
  { id, partition, particulars }: Petition,
  { reason, birthDate, groundsEnd, organization }: Decision,
): Promise<{ readonly delegation: Delegation; readonly changes: readonly Change[] }> {
  const { accounts, delegations, acting, patients, creationOf, journal, clock, ids } = deps;
  const { account, displayName } = particulars;
  const patient = await patients.patient(partition);
  const person = (await accounts.find(account))?.account;
  if (patient.profile === undefined || person === undefined) throw notFound("petition");
  if ((await patients.frozenSince(partition)) !== undefined) throw patientFrozen();
  if ((await delegations.between(account, partition)).some(isHeld)) throw guardianHeld();
  if ((await acting.find(account, partition))?.kind === "guardian") throw alreadyGuardian();
  if (particulars.birthDate !== undefined && birthDate === undefined)
    throw invalidField(
      "birth_date",
      "the petition is about a child: say when it was born, as the papers show it",
    );
  const now = clock.now();
  const verified = {
    ...(birthDate !== undefined && { birthDate }),
    ...(groundsEnd !== undefined && { groundsEnd }),
  };
  checkEnd(deps, patient, verified, now);
  const delegation: Delegation = {
    id: ids.next("del"),
    partition,
    kind: "guardian",
    state: "active",
    version: 1,
    organization,
    createTime: now,
    updateTime: now,
    particulars: {
      email: person.email,
      displayName,
      language: person.language,
      account,
      grounds: reason,
      ...verified,
    },
  };
  // The petition's own, not the caller's: a caller chooses their request ids themselves, and could have used this one.
  const creation = creationOf(id, id);
  return {
    delegation,
    changes: [
      await delegations.insertion(delegation, creation),
      journal.owed(delegationChangeOf(delegation)),
    ],
  };
}

/** Throws `invalid` where the access would be over before it begins. */
function checkEnd(
  { minority }: PetitionsDeps,
  { profile }: Patient,
  particulars: Pick<PetitionParticulars, "birthDate" | "groundsEnd">,
  now: number,
): void {
  const end = endOf({ particulars }, profile?.timeZones ?? [], minority.majority);
  if (end === undefined || end > now) return;
  const field = particulars.birthDate === undefined ? "grounds_end_time" : "birth_date";
  throw invalidField(
    field,
    "the access would be over already: the patient is of age, or the grounds have ended",
  );
}

/** Whether it can come to that end; false where it has already. Throws `petition_closed`. */
function canEnd(petition: Petition, state: Ending["state"], now: number): boolean {
  if (petition.state === state) return false;
  if (stateAt(petition, now) !== "waiting") throw petitionClosed();
  return true;
}

/** Also where an earlier call stored the guardian and failed here. */
async function tellJournal(
  { delegations, journal }: PetitionsDeps,
  { delegation: id }: Petition,
  made: Delegation | undefined,
): Promise<void> {
  if (id === undefined) return;
  const delegation = made ?? (await delegations.delegation(id));
  await writeDown(journal, delegationChangeOf(delegation));
}

function subjectOf(partition: string) {
  return { id: patientIdOf(partition)!, partition };
}
