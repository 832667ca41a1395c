import { DAY } from "../credentials/credential.ts";

/** `lapsed` is never decided: nobody did within the time. */
export type PetitionState = "waiting" | "confirmed" | "refused" | "withdrawn" | "lapsed";

/** Sealed with the patient's key: who asks, and what they say. */
export interface PetitionParticulars {
  /** `usr_...` */
  readonly account: string;
  readonly email: string;
  readonly displayName: string;
  /** What the person calls the patient. */
  readonly patientName: string;
  readonly grounds: string;
  /** Of a child: ISO 8601. */
  readonly birthDate?: string;
  /** UTC milliseconds. */
  readonly groundsEnd?: number;
  /** Of a decision. */
  readonly reason?: string;
}

/** A person's request to become a patient's guardian. Times are UTC milliseconds. */
export interface Petition {
  /** `pet_...` */
  readonly id: string;
  /** The patient's. */
  readonly partition: string;
  readonly state: PetitionState;
  /** The organization that verifies; empty: the privacy officer. */
  readonly organization: string;
  readonly createTime: number;
  /** When it lapses, or would have. */
  readonly expireTime: number;
  /** When it was decided or withdrawn. */
  readonly endTime?: number;
  /** Of one that was confirmed: the guardian, `del_...`. */
  readonly delegation?: string;
  readonly particulars: PetitionParticulars;
}

export const petitionLifetime = 30 * DAY;
/** How long one that is over can be seen, from its `expireTime` on. */
export const petitionKept = 90 * DAY;
export const guardianCodeLifetime = 7 * DAY;
/** Within a day: codes that are made for a patient, and petitions that a person sends, right or wrong. */
export const mostAsked = { codes: 10, petitions: 10 } as const;

export function stateAt({ state, expireTime }: Petition, now: number): PetitionState {
  return state === "waiting" && now >= expireTime ? "lapsed" : state;
}

/** As it is once nobody can decide any more; the same object otherwise. */
export function lapsedAt(petition: Petition, now: number): Petition {
  const state = stateAt(petition, now);
  return state === petition.state ? petition : { ...petition, state };
}

export interface Ending {
  readonly state: "confirmed" | "refused" | "withdrawn";
  readonly reason?: string;
  readonly delegation?: string;
}

/** Decided or withdrawn now. */
export function ended(petition: Petition, { state, reason, delegation }: Ending, now: number): Petition {
  return {
    ...petition,
    state,
    endTime: now,
    ...(delegation !== undefined && { delegation }),
    particulars: { ...petition.particulars, ...(reason !== undefined && { reason }) },
  };
}

/** Whether both say the same. */
export function saysTheSame(a: PetitionParticulars, b: PetitionParticulars): boolean {
  const content = ({
    account,
    displayName,
    patientName,
    grounds,
    birthDate,
    groundsEnd,
  }: PetitionParticulars) =>
    JSON.stringify([account, displayName, patientName, grounds, birthDate, groundsEnd]);
  return content(a) === content(b);
}
