/** What policies may speak of. The schema (policies/schema.cedarschema) says the same to Cedar. */

export const sensitivities = ["normal", "restricted", "very_restricted"] as const;
export type Sensitivity = (typeof sensitivities)[number];

/** The weakest first. */
export const assurances = ["code", "passkey", "fresh"] as const;
export type Assurance = (typeof assurances)[number];

/** Who calls: the part of a principal that policies see. Services call on nobody's behalf, and no policy is asked. */
export interface Subject {
  readonly kind: "application" | "member" | "patient" | "person" | "operator";
  readonly id: string;
  readonly organization?: string;
  /** Of a member and of staff. An operator without roles is a script's credential, which has the role operator. */
  readonly roles?: readonly string[];
  readonly assurance?: Assurance;
  /** The kind of who acts by way of it. */
  readonly actor?: string;
}

/** When and from where a call comes. */
export interface CallContext {
  /** UTC milliseconds. */
  readonly time: number;
  /** IPv4 or IPv6; undefined where it is not known. */
  readonly address?: string;
}

/** The data of a read or a contribution. */
export interface DataQuestion {
  readonly direction: "read" | "contribute";
  readonly code: string;
  readonly categories: readonly string[];
  readonly sensitivity: Sensitivity;
  /** Where the data would be received. */
  readonly region: string;
  /** Of reading: `treatment`, … */
  readonly purpose?: string;
  /** Of reading: emergency access, without a consent. */
  readonly emergency?: boolean;
}

/** An organization's restriction of its own people and applications: one `forbid`, in Cedar. */
export interface Restriction {
  /** `pol_…` */
  readonly id: string;
  /** In plain words, for whom it refuses. */
  readonly reason: string;
  readonly text: string;
}

/** All restrictions of an organization. */
export interface Restrictions {
  readonly organization: string;
  /** Greater after each change. */
  readonly version: number;
  readonly policies: readonly Restriction[];
}

export interface Denial {
  readonly permitted: false;
  /** The policy that refuses; undefined where none permits. */
  readonly policy?: string;
  /** In plain words. */
  readonly reason: string;
  /** Whether the door's table of callers refuses the same. */
  readonly mirrored: boolean;
  /** About data: the weakest sign-in with which the same person would be permitted the same. Absent: none. */
  readonly liftedBy?: Assurance;
}

export type Verdict = { readonly permitted: true; readonly policies: readonly string[] } | Denial;
