import type { Ids } from "@wellapi/runtime";
import type { Call } from "../accesses.ts";
import type { CreationOf } from "../creation.ts";
import { DAY } from "../credentials/credential.ts";
import { callerNotPermitted, invalidField, notFound, recordNotFrozen } from "../errors.ts";
import { writeDown } from "../journal-entries.ts";
import { invitationInvalid, tooManyInvitations } from "../members/member-errors.ts";
import type { Patient } from "../patients/patient.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";
import {
  acceptedState,
  type Delegation,
  endOf,
  inState,
  isHeld,
  isOfTheTime,
  type Kind,
  most,
  offerCodes,
  offerLifetime,
  type Particulars,
} from "./delegation.ts";
import {
  createDelegationChanges,
  type DelegationChanges,
  type DelegationChangesDeps,
} from "./delegation-changes.ts";
import { delegationChangeOf } from "./delegation-journal.ts";
import type { DelegationRepository } from "./delegation-repository.ts";
import { endTimeOf, isInForce, zonesOf } from "./in-force.ts";
import { hiddenCare, type Minority } from "./majority.ts";
import type { MailOffer } from "./offer-mail.ts";

export interface Invited {
  readonly kind: Kind;
  /** The organization that verified a guardian or a representative; empty otherwise. */
  readonly organization: string;
  readonly particulars: Particulars;
  readonly requestId: string;
}

/** Who acts in patients' names. Once a change resolves it holds everywhere, and a restore does not undo it. */
export interface Delegations extends DelegationChanges {
  /** Stores the offer and mails its code. Throws `invalid`, `invitation_limit`, `record_not_frozen`, `mail_unavailable`. */
  invite(patient: Patient, invited: Invited, call: Call): Promise<Delegation>;
  /** The offer with this code, and its patient. Throws `invitation_invalid`. */
  offered(code: string): Promise<{ readonly offer: Delegation; readonly patient: Patient }>;
  /** Throws `invitation_invalid`. */
  accept(code: string, account: string, call: Call): Promise<Delegation>;
  /**
   * In which role the account may act for the patient now; undefined: in none, and in none while any access of theirs to this
   * patient is disputed or blocked. `hides`: categories of a minor's own care, which are for nobody who acts in their name.
   */
  find(
    account: string,
    partition: string,
  ): Promise<{ readonly kind: Kind; readonly hides?: readonly string[] } | undefined>;
  /** For whom the account may act now. */
  ofAccount(account: string): Promise<
    ReadonlyArray<{
      /** Internal. */
      readonly id: string;
      readonly partition: string;
      readonly kind: Kind;
      readonly displayName: string;
    }>
  >;
  /** When it ends by itself. */
  endOf(delegation: Delegation): Promise<number | undefined>;
}

export interface DelegationsDeps extends DelegationChangesDeps {
  readonly delegations: DelegationRepository;
  readonly patients: PatientRepository;
  readonly mail: MailOffer;
  readonly creationOf: CreationOf;
  readonly ids: Ids;
  readonly minority: Minority;
}

const MOST_LISTED = 1_000;

export function createDelegations(deps: DelegationsDeps): Delegations {
  const { delegations, patients, clock, journal, minority } = deps;
  const { majority } = minority;

  async function offered(code: string) {
    const offer = offerCodes.looksLike(code) ? await delegations.withCode(code) : undefined;
    const now = clock.now();
    if (offer?.state !== "offered" || now >= (offer.expireTime ?? 0)) throw invitationInvalid();
    const patient = await patients.patient(offer.partition);
    if (patient.profile === undefined) throw invitationInvalid();
    if (!isOfTheTime(offer, await patients.frozenSince(offer.partition))) throw invitationInvalid();
    const end = endOf({ ...offer, expireTime: Infinity }, patient.profile.timeZones, majority) ?? Infinity;
    if (now >= end) throw invitationInvalid();
    return { offer, patient };
  }

  return {
    invite: (patient, invited, call) => invite(deps, patient, invited, call),
    offered,
    async accept(code, account, call) {
      const { offer, patient } = await offered(code);
      const others = await delegations.between(account, offer.partition);
      if (others.some(isHeld)) throw invitationInvalid();
      const { delegation } = await delegations.amend(
        offer.id,
        (current) => {
          if (current.state !== "offered") throw invitationInvalid();
          const accepted = inState(current, acceptedState(current), clock.now());
          return { ...accepted, particulars: { ...current.particulars, account } };
        },
        call.commit(patient),
        (changed) => [journal.owed(delegationChangeOf(changed))],
      );
      await writeDown(journal, delegationChangeOf(delegation));
      return delegation;
    },
    ...createDelegationChanges(deps),
    ...createFinders(deps),
    endOf: (delegation) => endTimeOf(deps, delegation),
  };
}

function createFinders(deps: DelegationsDeps): Pick<Delegations, "find" | "ofAccount"> {
  const { delegations, patients, clock, minority } = deps;

  /**
   * By the date of birth that a guardian was verified with, whatever became of that guardian since: a carer whom a guardian named
   * must not see what the guardian does not. `now`: of a minor who died, the time of the freeze, for whom nothing changes any more.
   */
  async function hiddenIn(partition: string, now: number): Promise<readonly string[]> {
    const { items } = await delegations.ofPatient(partition, { size: MOST_LISTED });
    const dates = items.flatMap(({ particulars: { birthDate } }) => birthDate ?? []);
    if (dates.length === 0) return [];
    const zones = await zonesOf(deps, partition);
    return [...new Set(dates.flatMap((date) => hiddenCare(date, zones, minority, now)))];
  }

  /** Those of one account and patient that permit. */
  async function inForceOf(ofOne: readonly Delegation[], frozenSince: number | undefined) {
    const ofTheTime = ofOne.filter((one) => isOfTheTime(one, frozenSince));
    // Who is disputed or blocked does not come in by another access, such as a carer's that they gave themselves.
    if (ofTheTime.some(isHeld)) return [];
    const counting = [];
    for (const one of ofTheTime) if (await isInForce(deps, one)) counting.push(one);
    return counting;
  }

  return {
    async find(account, partition) {
      const frozenSince = await patients.frozenSince(partition);
      const counting = await inForceOf(await delegations.between(account, partition), frozenSince);
      const kinds = counting.map(({ kind }) => kind);
      const [first] = kinds;
      if (first === undefined) return undefined;
      const hides = await hiddenIn(partition, frozenSince ?? clock.now());
      // A guardian who is a carer, too, is known as what somebody verified.
      const kind = kinds.includes("guardian") ? "guardian" : first;
      return { kind, ...(hides.length > 0 && { hides }) };
    },
    async ofAccount(account) {
      const found = [];
      const all = Map.groupBy(await delegations.ofAccount(account), ({ partition }) => partition);
      for (const [partition, ofOne] of all) {
        const counting = await inForceOf(ofOne, await patients.frozenSince(partition));
        if (counting.length === 0) continue;
        const { id, profile } = await patients.patient(partition);
        if (profile === undefined) continue;
        const { displayName } = profile;
        found.push(...counting.map(({ kind }) => ({ id, partition, kind, displayName })));
      }
      return found;
    },
  };
}

async function invite(
  deps: DelegationsDeps,
  patient: Patient,
  { kind, organization, particulars, requestId }: Invited,
  call: Call,
): Promise<Delegation> {
  const { delegations, creationOf, clock, ids, mail } = deps;
  if (patient.profile === undefined) throw notFound("patient");
  const frozenSince = kind === "representative" ? await deps.patients.frozenSince(patient.partition) : 0;
  if (frozenSince === undefined) throw recordNotFrozen();
  // Clocks differ: whoever is named after a freeze is named for it.
  const now = Math.max(clock.now(), frozenSince);
  const expireTime = now + offerLifetime;
  const offer: Delegation = {
    id: ids.next("del"),
    partition: patient.partition,
    kind,
    state: "offered",
    version: 0,
    organization,
    createTime: now,
    updateTime: now,
    expireTime,
    particulars,
  };
  const end = endOf(offer, patient.profile.timeZones, deps.minority.majority);
  if (end !== undefined && end <= now) {
    throw invalidField(
      particulars.birthDate === undefined ? "expire_time" : "birth_date",
      "the access would be over already: the patient is of age, or the grounds have ended",
    );
  }
  const code = offerCodes.create();
  const creation = creationOf(call.caller.principal.id, requestId);
  const made = await delegations.offer(offer, code, creation, call.commit(patient), async () => {
    await checkLimits(deps, patient.partition, kind, now);
    return [];
  });
  if (made.id !== offer.id) call.about(patient);
  if (made.state === "offered" && now < (made.expireTime ?? 0)) {
    await mail(particulars.email, particulars.language, { code, kind, expireTime: made.expireTime ?? 0 });
  }
  return made;
}

async function checkLimits(
  { delegations }: DelegationsDeps,
  partition: string,
  kind: Kind,
  now: number,
): Promise<void> {
  if (kind !== "carer") return;
  const { items } = await delegations.ofPatient(partition, { size: MOST_LISTED });
  const carers = items.filter((one) => one.kind === "carer");
  const acting = carers.filter(({ state }) => state === "active");
  if (acting.length >= most.carers) throw tooManyInvitations(`a patient has at most ${most.carers} carers`);
  const sent = carers.filter(({ createTime }) => createTime > now - DAY);
  if (sent.length >= most.invitations) {
    throw tooManyInvitations(`${most.invitations} invitations were sent today`);
  }
}

/** For a rule about who may end or change: throws `caller_not_permitted`. */
export function refuse(message: string): never {
  throw callerNotPermitted(message);
}
