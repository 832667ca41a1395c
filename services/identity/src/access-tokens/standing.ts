import type { Actor } from "@wellapi/rpc";

/** What the OAuth server knows of the tokens that it gave out: asked at each exchange, because a token may say what is over. */
export interface TokenStandings {
  /** Whether the token was revoked by itself (RFC 7009). `jti`: its id. */
  isRevoked(jti: string): Promise<boolean>;
  /** Undefined once the grant has ended, or once none of its consents is in force. */
  findGrant(id: string): Promise<TokenGrant | undefined>;
}

/** What a person has granted to an application. */
export interface TokenGrant {
  readonly application: string;
  readonly organization: string;
  /**
   * - `connect`: a patient has connected a provider's application, by a consent.
   * - `patient_app`: an application that acts for the patient, whose own data it reads.
   * - `user`: an application in the hands of a member of its organization, such as a clinician.
   * - `account`, `member`, `staff`: the installation's own command line in the hands of a person, who acts as these.
   * - `person`: who it is, and nothing else.
   */
  readonly kind: "connect" | "patient_app" | "user" | "person" | "account" | "member" | "staff";
  /** `usr_...`: who granted it. */
  readonly account: string;
  /** The patient's, `<region>/<internal id>`; not of `user`. */
  readonly partition?: string;
  /** Who granted it in the patient's name, where it was not the patient. */
  readonly actor?: Actor;
  /** Of `member`: the organization. */
  readonly memberOf?: string;
  /** Until when the person who granted it is freshly signed in, UTC milliseconds. Absent: they were not, or an older release wrote it. */
  readonly freshUntil?: number;
  /** UTC milliseconds. */
  readonly createTime: number;
}
