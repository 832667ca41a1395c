import type { Assurance, Principal } from "@wellapi/rpc";

/** A sign-in of a person. Times are UTC milliseconds. */
export interface Session {
  /** `ses_...` */
  readonly id: string;
  readonly account: string;
  readonly createTime: number;
  readonly lastUseTime: number;
  readonly expireTime: number;
  readonly assurance: "code" | "passkey";
  /** Until when it is fresh. */
  readonly freshUntil?: number;
  /** Whether it began with the account's registration. */
  readonly registered?: boolean;
}

const MINUTE = 60_000;
/** In any case. */
export const SESSION_LIFETIME = 12 * 60 * MINUTE;
export const FRESH_TIME = 5 * MINUTE;
/** Without a call. */
const idleTimes = { patient: 30 * MINUTE, staff: 15 * MINUTE } as const;
/** A use is written at most so often. */
export const TOUCHED_EVERY = MINUTE;

export function assuranceAt({ assurance, freshUntil = 0 }: Session, now: number): Assurance {
  return freshUntil > now ? "fresh" : assurance;
}

/** How the person is signed in; of a fresh sign-in, until when it is. */
export function signInAt(session: Session, now: number): Pick<Principal, "assurance" | "freshUntil"> {
  const assurance = assuranceAt(session, now);
  const { freshUntil } = session;
  return assurance === "fresh" && freshUntil !== undefined ? { assurance, freshUntil } : { assurance };
}

/** When the person last proved who they are, by signing in or again: OpenID Connect's `auth_time`, UTC milliseconds. */
export function authTimeOf({ createTime, freshUntil = 0 }: Session): number {
  return Math.max(createTime, freshUntil - FRESH_TIME);
}

/** `as`: members of organizations and staff have less time. */
export function hasEnded(session: Session, now: number, as: keyof typeof idleTimes): boolean {
  return session.expireTime <= now || session.lastUseTime + idleTimes[as] <= now;
}

/** What secret scanners find. */
const PREFIX = "wellapi_ss_";
const shape = /^wellapi_ss_([0-9a-z]{26})_([A-Za-z0-9_-]{43})$/;

/** The credential: the session's id, and its secret. */
export function credentialOf(id: string, secret: string): string {
  return `${PREFIX}${id.slice("ses_".length)}_${secret}`;
}

export function readCredential(
  credential: string,
): { readonly id: string; readonly secret: string } | undefined {
  const found = shape.exec(credential);
  return found === null ? undefined : { id: `ses_${found[1]}`, secret: found[2]! };
}
