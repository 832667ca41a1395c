import type { Role } from "@wellapi/rpc";
import { DAY } from "../credentials/credential.ts";
import { codeKind } from "../secret.ts";
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

export const invitationCodes = codeKind("wellapi_inv_");

export function isPending({ endTime, expireTime }: Invitation, now: number): boolean {
  return endTime === undefined && now < expireTime;
}
