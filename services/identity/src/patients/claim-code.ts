import { credentialInvalid } from "../errors.ts";
import { codeKind } from "../secret.ts";

/** A code by which a person makes a patient, whom somebody else enrolled, their own. Times are UTC milliseconds. */
export interface ClaimCode {
  /** `clm_...` */
  readonly id: string;
  /** The patient's. */
  readonly partition: string;
  /** `digestOf` the code's text. */
  readonly fingerprint: string;
  readonly expireTime: number;
  /** Stands for the account that used it. */
  readonly accountMac?: string;
  /** Made, or used, to ask for guardianship: it claims nothing. */
  readonly use?: "guardian";
  /** Of a guardian code: the organization that made it and verifies; absent: the privacy officer verifies. */
  readonly organization?: string;
}

const DAY = 86_400_000;
export const claimLifetime = { default: 7 * DAY, max: 30 * DAY } as const;

export const claimCodes = codeKind("wellapi_cc_");
export const guardianCodes = codeKind("wellapi_gc_");

/**
 * The code, used by the account; the same object where that account used it before, whose claim may have been cut short.
 * Throws `credential_invalid`: one answer for used and too old.
 */
export function claimedBy(code: ClaimCode, accountMac: string, now: number): ClaimCode {
  if (code.use === "guardian") throw claimInvalid();
  if (code.accountMac === accountMac) return code;
  if (code.accountMac !== undefined || now >= code.expireTime) throw claimInvalid();
  return { ...code, accountMac };
}

/** Whether somebody may ask for guardianship by it: a claim code proves no less than a guardian code. */
export function asksForGuardian({ accountMac, expireTime }: ClaimCode, now: number): boolean {
  return accountMac === undefined && now < expireTime;
}

/** One answer for a code that is unknown, used or too old. */
export function claimInvalid() {
  return credentialInvalid("the code is not in force: it was used or has expired; ask for another one");
}
