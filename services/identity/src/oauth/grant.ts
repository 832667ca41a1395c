import type { Actor } from "@wellapi/rpc";

/** What a person has agreed to: what access tokens stand on (docs/decisions/0040). Times are UTC milliseconds. */
export interface Grant {
  /** `grn_...` */
  readonly id: string;
  readonly application: string;
  readonly organization: string;
  /**
   * `connect`: an organization's app, on one patient's record, under consents. `patient_app`: the patient's own app.
   * `user`: a member of the organization, as themselves. `person`: no data, only who it is. Of our own command line: `account`,
   * `member` of `memberOf`, `staff`.
   */
  readonly kind: "connect" | "patient_app" | "user" | "person" | "account" | "member" | "staff";
  /** `usr_...`: who agreed. */
  readonly account: string;
  /** Internal id of whom the account acts for: the patient, or the account itself. */
  readonly subject: string;
  /** The patient's partition. */
  readonly partition?: string;
  /** The organization as whose member the command line acts. */
  readonly memberOf?: string;
  /** Who agreed in the patient's name, where it was not the patient. */
  readonly actor?: Actor;
  readonly consents: readonly string[];
  readonly assurance: string;
  /** Of a fresh sign-in: until when it is. */
  readonly freshUntil?: number;
  readonly createTime: number;
  readonly expireTime: number;
}

const DAY = 86_400_000;

/** A patient's own app keeps its access for longer than three months without its user doing anything (information blocking). */
export const refreshTokenDays = 100;
/** Afterwards the person is asked again. */
const grantDays = {
  connect: 400,
  patient_app: 730,
  user: 30,
  person: 30,
  // As a sign-in in a browser.
  account: 0.5,
  member: 0.5,
  staff: 0.5,
} as const;

export function endOfGrant(kind: Grant["kind"], now: number): number {
  return now + grantDays[kind] * DAY;
}
