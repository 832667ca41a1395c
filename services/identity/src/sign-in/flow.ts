import type { Language } from "../accounts/account.ts";

/** What a flow waits for. */
export type FlowKind =
  | "code"
  | "verified_address"
  | "sign_in"
  | "passkey"
  | "totp"
  | "step_up"
  | "email_change";

/** What a flow remembers between its beginning and its end. */
export interface FlowContent {
  /** Address that is verified, or about to be. */
  readonly email?: string;
  readonly language?: Language;
  /** MAC of the code that was sent. */
  readonly codeMac?: string;
  /** Challenge for an authenticator, base64url. */
  readonly challenge?: string;
  /** Secret of an authenticator app, base32. */
  readonly totpSecret?: string;
  /** Account that the flow is of, or that it is going to make. */
  readonly account?: string;
  /** Session that began it: no other one can end it. */
  readonly session?: string;
}

/** Milliseconds. */
export const FLOW_LIFETIME = 10 * 60_000;
/** Of one code, over all callers and replicas. */
export const CODE_TRIES = 5;
