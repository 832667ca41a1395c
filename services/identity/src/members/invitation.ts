import { createHash, randomBytes } from "node:crypto";
import type { Role } from "@wellapi/rpc";
import { DAY } from "../credentials/credential.ts";
import type { Body } from "./member.ts";

/** An offer of roles to whoever shows its code first. Times are UTC milliseconds. */
export interface Invitation {
  /** `inv_...` */
  readonly id: string;
  readonly body: Body;
  readonly roles: readonly Role[];
  /** Personal. Absent for the link of a first start. */
  readonly email?: string | undefined;
  /** Id of the principal who invited. */
  readonly inviter: string;
  readonly createTime: number;
  readonly expireTime: number;
  /** When it was accepted or taken back. */
  readonly endTime?: number | undefined;
  /** Who accepted it. */
  readonly account?: string | undefined;
}

/** The inviter of the first operator: no principal has this id. */
export const FIRST_START = "start";

/** Milliseconds. */
export const invitationLifetime = 7 * DAY;

/** How many mails an address gets within a day, from all bodies together, and an organization sends. */
export const mostMails = { ofAddress: 5, ofBody: 100 } as const;

const CODE = /^wellapi_inv_[A-Za-z0-9_-]{43}$/;

/** 32 random bytes, base64url, with a prefix by which a scanner finds it. */
export function newCode(): string {
  return `wellapi_inv_${randomBytes(32).toString("base64url")}`;
}

/** False for a text that is no code of any installation. Spares the store a lookup; proves nothing. */
export function looksLikeCode(text: string): boolean {
  return CODE.test(text);
}

/** What is stored, and looked up: the code is random, so a plain hash is enough (as for an API key). */
export function codeDigest(code: string): string {
  return createHash("sha256").update(code).digest("hex");
}

export function isPending({ endTime, expireTime }: Invitation, now: number): boolean {
  return endTime === undefined && now < expireTime;
}
