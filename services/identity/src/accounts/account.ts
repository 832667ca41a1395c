import { patientInUse } from "./account-errors.ts";

export type Language = "en" | "de";

/** The language of a BCP 47 tag that the exchange has; English where it has none. */
export function toLanguage(tag: string): Language {
  return /^de\b/i.test(tag) ? "de" : "en";
}

/** A passkey (Web Authentication) as its relying party keeps it. */
export interface Passkey {
  /** `psk_...` */
  readonly id: string;
  /** The authenticator's own id, base64url. */
  readonly credentialId: string;
  /** COSE key, base64url. */
  readonly publicKey: string;
  /** Signatures that the authenticator has counted; 0 where it counts none. */
  readonly counter: number;
  readonly transports: readonly string[];
  readonly displayName: string;
  /** UTC milliseconds. */
  readonly createTime: number;
  readonly lastUseTime: number;
  readonly synced: boolean;
}

export interface Recovery {
  readonly createTime: number;
  readonly readyTime: number;
  readonly expireTime: number;
  /** Of the secret in the notices. */
  readonly stopDigest: string;
}

/** A person who signs in. Times are UTC milliseconds. */
export interface Account {
  /** `usr_...` */
  readonly id: string;
  readonly createTime: number;
  readonly updateTime: number;
  readonly email: string;
  readonly displayName: string;
  readonly language: Language;
  /** IANA name, for the patient that is made with it. */
  readonly timeZone: string;
  /** Internal id of the account's own patient. */
  readonly patient?: string;
  /** Oldest first. */
  readonly passkeys: readonly Passkey[];
  /** The authenticator app, and the last time step whose code was taken. */
  readonly totp?: { readonly secret: string; readonly lastStep: number };
  /** MACs of those that are left. */
  readonly recoveryCodes: readonly string[];
  readonly recovery?: Recovery;
  /** Codes of the authenticator app and recovery codes that were tried in the hour since then. */
  readonly guesses?: { readonly since: number; readonly count: number };
}

/** The partition of an account's documents. */
export function accountPartition(id: string): string {
  return `account/${id}`;
}

const HOUR = 3_600_000;
/** From when a recovery can be completed, and for how long. */
export const RECOVERY_WAIT = 72 * HOUR;
export const RECOVERY_OPEN = 7 * 24 * HOUR;
/** In which somebody who registered by e-mail alone may add the first passkey. */
export const FIRST_PASSKEY_TIME = HOUR;
export const GUESSES_AN_HOUR = 10;
/** Of one account. */
export const MOST_PASSKEYS = 20;

/** The recovery that waits or is ready. */
export function recoveryAt({ recovery }: Account, now: number): Recovery | undefined {
  return recovery !== undefined && recovery.expireTime > now ? recovery : undefined;
}

export function recoveryIsReady(account: Account, now: number): boolean {
  const recovery = recoveryAt(account, now);
  return recovery !== undefined && recovery.readyTime <= now;
}

/** Whether the account has a way in besides codes by e-mail. */
export function hasStrongWayIn({ passkeys, totp }: Account): boolean {
  return passkeys.length > 0 || totp !== undefined;
}

/** The account with one guess more. Undefined where the hour has no guess left. */
export function withGuess(account: Account, now: number): Account | undefined {
  const { guesses } = account;
  if (guesses === undefined || guesses.since <= now - HOUR)
    return { ...account, guesses: { since: now, count: 1 } };
  if (guesses.count >= GUESSES_AN_HOUR) return undefined;
  return { ...account, guesses: { ...guesses, count: guesses.count + 1 } };
}

/** Gives the account a patient of its own. Throws `patient_in_use` where it has another one. */
export function adopts(patient: string): (account: Account) => Account {
  return (account) => {
    if (account.patient !== undefined && account.patient !== patient) throw patientInUse();
    return { ...account, patient };
  };
}
