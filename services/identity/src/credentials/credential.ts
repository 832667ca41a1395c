import { alreadyReplaced, notInForce } from "../errors.ts";

/** Milliseconds of a day. */
export const DAY = 86_400_000;

/** Lifetimes in milliseconds, as the contract states them. */
export const lifetimes = {
  certificate: { default: 30 * DAY, max: 90 * DAY },
  apiKey: { default: 90 * DAY, max: 366 * DAY },
  /** Of the key that a start makes in production: time enough to make a named one with it. */
  bootstrapKey: DAY,
  operatorKey: { default: 366 * DAY, max: 366 * DAY },
  enrollmentCode: { default: DAY / 24, max: 7 * DAY },
} as const;

/** The owner of a credential. */
export type Holder =
  | { readonly kind: "application"; readonly application: string; readonly organization: string }
  | { readonly kind: "operator"; readonly operator: string };

/** A credential of an application or an operator. Times are UTC milliseconds. */
export interface Credential {
  /** `crd_...` */
  readonly id: string;
  readonly kind: "certificate" | "api_key";
  readonly holder: Holder;
  /** SHA-256 of the certificate's DER or of the key's text, 64 hexadecimal digits. */
  readonly fingerprint: string;
  readonly createTime: number;
  readonly expireTime: number;
  readonly revokeTime?: number;
  readonly hint: string;
  /** Of an API key. Absent in those that versions before made, and in certificates. */
  readonly displayName?: string;
  /** What an API key may do; absent: it is not limited by scopes. */
  readonly scopes?: readonly string[];
  /** Whence an API key may be used, as CIDR blocks; absent: from everywhere. */
  readonly networks?: readonly string[];
  /** Last use, to about a minute. Absent: never. */
  readonly useTime?: number;
  /** The credential that replaced it. */
  readonly successor?: string;
}

/** How long a key that was replaced lives on, milliseconds. */
export const overlap = { default: DAY, max: 7 * DAY } as const;

/** The credential, replaced. Throws `already_replaced` and `not_in_force`. */
export function replacedBy(credential: Credential, successor: string, now: number): Credential {
  if (credential.successor !== undefined) throw alreadyReplaced(credential.successor);
  if (standingOf(credential, now) !== "in force") throw notInForce();
  return { ...credential, successor };
}

/** The credential, ending at `end` unless it ends sooner. */
export function endingBy(credential: Credential, end: number): Credential {
  return { ...credential, expireTime: Math.min(credential.expireTime, end) };
}

export type Standing = "in force" | "expired" | "revoked";

export function standingOf(credential: Credential, now: number): Standing {
  if (credential.revokeTime !== undefined) return "revoked";
  return now < credential.expireTime ? "in force" : "expired";
}
