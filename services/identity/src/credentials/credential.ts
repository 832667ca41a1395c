/** Milliseconds of a day. */
export const DAY = 86_400_000;

/** Lifetimes in milliseconds, as the contract states them. */
export const lifetimes = {
  certificate: { default: 30 * DAY, max: 90 * DAY },
  apiKey: { default: 90 * DAY, max: 366 * DAY },
  operatorKey: { default: 366 * DAY, max: 366 * DAY },
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
  /** Of an operator's key. Absent in those that versions before made. */
  readonly displayName?: string;
}

export type Standing = "in force" | "expired" | "revoked";

export function standingOf(credential: Credential, now: number): Standing {
  if (credential.revokeTime !== undefined) return "revoked";
  return now < credential.expireTime ? "in force" : "expired";
}
