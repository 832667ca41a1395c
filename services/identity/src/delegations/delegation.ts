import { DAY } from "../credentials/credential.ts";
import type { TimeZonePeriod } from "../patients/time-zone.ts";
import { codeKind } from "../secret.ts";
import { majorityOf } from "./majority.ts";

export type Kind = "carer" | "guardian" | "representative";

/**
 * Only `active` permits. `disputed` and `blocked` also keep the account from accepting another invitation. `unconfirmed`: a
 * representative whom an organization named has accepted, and the privacy officer has not confirmed it yet.
 */
export type State = "offered" | "unconfirmed" | "active" | "disputed" | "blocked" | "ended";

/** Sealed with the patient's key: who the person is, and why. */
export interface Particulars {
  readonly email: string;
  readonly displayName: string;
  readonly language: string;
  /** `usr_...`, once accepted. */
  readonly account?: string;
  /** Of a guardian or a representative. */
  readonly grounds?: string;
  /** Of a child: ISO 8601. */
  readonly birthDate?: string;
  /** When the grounds end, UTC milliseconds. */
  readonly groundsEnd?: number;
  /** Of a guardian: the latest disputes, oldest first. */
  readonly disputes?: readonly Dispute[];
}

/** The patient or another guardian says that a guardian may not act. Times are UTC milliseconds. */
export interface Dispute {
  /** The other guardian's account; empty: the patient. */
  readonly by: string;
  readonly time: number;
  /** Absent while it waits for the privacy officer. */
  readonly decideTime?: number;
}

/** A person's access in a patient's name. Times are UTC milliseconds. */
export interface Delegation {
  /** `del_...` */
  readonly id: string;
  /** The patient's. */
  readonly partition: string;
  readonly kind: Kind;
  readonly state: State;
  /** How often the state changed: the journal's order of its changes. */
  readonly version: number;
  /** The organization that verified a guardian or a representative; empty: the privacy officer. */
  readonly organization: string;
  readonly createTime: number;
  readonly updateTime: number;
  /** Of an offer: when it ends. Absent once it is accepted. */
  readonly expireTime?: number;
  /** Since when a dispute of the patient's or another guardian's waits for the privacy officer. */
  readonly disputeTime?: number;
  readonly particulars: Particulars;
}

export const offerLifetime = 7 * DAY;
/** Of one patient: carers at a time, and invitations within a day. */
export const most = { carers: 20, invitations: 10 } as const;
export const offerCodes = codeKind("wellapi_dc_");

/**
 * Whether the kind of access counts now. `frozenSince`: since when the record is frozen, because the patient died; undefined: it is
 * not. Then nobody acts but representatives who were named for this death: those of a mistake that was undone never count again.
 */
export function isOfTheTime(
  { kind, createTime }: Pick<Delegation, "kind" | "createTime">,
  frozenSince: number | undefined,
): boolean {
  if (frozenSince === undefined) return kind !== "representative";
  return kind === "representative" && createTime >= frozenSince;
}

/** Whether the account does not act for the patient until somebody who verifies has decided. */
export function isHeld({ state }: Pick<Delegation, "state">): boolean {
  return state === "disputed" || state === "blocked";
}

/** The state of an offer that was accepted. */
export function acceptedState({ kind, organization }: Delegation): State {
  return kind === "representative" && organization !== "" ? "unconfirmed" : "active";
}

/** When it ends by itself; undefined: it does not. `zones` are the patient's. */
export function endOf(
  {
    expireTime,
    particulars,
  }: Pick<Delegation, "expireTime"> & {
    readonly particulars: Pick<Particulars, "birthDate" | "groundsEnd">;
  },
  zones: readonly TimeZonePeriod[],
  majority: number,
): number | undefined {
  const { birthDate, groundsEnd } = particulars;
  const ofAge = birthDate === undefined ? undefined : majorityOf(birthDate, majority, zones);
  const ends = [expireTime, groundsEnd, ofAge].filter((end) => end !== undefined);
  return ends.length === 0 ? undefined : Math.min(...ends);
}

/**
 * In another state; the same object where it has that state already. Out of the state `disputed`, what the patient or another guardian
 * disputed is decided.
 */
export function inState(delegation: Delegation, state: State, now: number): Delegation {
  if (delegation.state === state) return delegation;
  const { expireTime: _, disputeTime: __, ...rest } = delegation;
  const { disputes, ...particulars } = rest.particulars;
  const decided = disputes?.map((one) => (one.decideTime === undefined ? { ...one, decideTime: now } : one));
  return {
    ...rest,
    state,
    version: delegation.version + 1,
    updateTime: now,
    particulars: decided === undefined ? particulars : { ...particulars, disputes: decided },
  };
}

/** From a decision on, until who lost it disputes the same guardian again. */
export const disputePause = 30 * DAY;
const MOST_DISPUTES = 20;

/** Disputed by the patient (`by` is empty) or by another guardian; the same object where a dispute waits already. */
export function disputedBy(delegation: Delegation, by: string, now: number): Delegation {
  if (delegation.disputeTime !== undefined) return delegation;
  // Also where who verifies had it disputed: from now on the privacy officer decides.
  const disputed = {
    ...inState(delegation, "disputed", now),
    version: delegation.version + 1,
    updateTime: now,
  };
  const disputes = [...(disputed.particulars.disputes ?? []), { by, time: now }].slice(-MOST_DISPUTES);
  return { ...disputed, disputeTime: now, particulars: { ...disputed.particulars, disputes } };
}

/** Until when `by` does not dispute the guardian again; undefined: they may. */
export function pausedUntil({ particulars }: Delegation, by: string, now: number): number | undefined {
  const decided = (particulars.disputes ?? []).flatMap((one) =>
    one.by === by && one.decideTime !== undefined ? one.decideTime + disputePause : [],
  );
  const until = Math.max(0, ...decided);
  return until > now ? until : undefined;
}
