import { randomBytes } from "node:crypto";
import type { EventKind } from "../organizations/event.ts";

/** An organization's endpoint: the rules. Times are UTC milliseconds. */

export const MOST_ENDPOINTS = 5;
/** How long the creation's answer shows the secret to who has its request id. */
export const SECRET_SHOWN_MS = 24 * 3_600_000;
export const USUAL_OVERLAP_MS = 24 * 3_600_000;
const SECRET_BYTES = 32;

export type EndpointState = "enabled" | "paused" | "disabled";
export type DisableReason = "failing" | "gone" | "events_missed";

export interface Secret {
  /** `whsec_...` */
  readonly secret: string;
  /** The request that made it. */
  readonly requestId: string;
  /** Absent of the newest. */
  readonly expireTime?: number;
}

export interface Endpoint {
  /** `whe_...` */
  readonly id: string;
  readonly organization: string;
  readonly url: string;
  readonly description: string;
  /** Empty: all. */
  readonly kinds: readonly EventKind[];
  readonly state: EndpointState;
  readonly disableReason?: DisableReason;
  readonly createTime: number;
  /** Newest first: one, or two while both sign. */
  readonly secrets: readonly Secret[];
  /** Greater with each change. */
  readonly version: number;
}

export function newSecret(requestId: string): Secret {
  return { secret: `whsec_${randomBytes(SECRET_BYTES).toString("base64")}`, requestId };
}

/** With a new secret; the one before signs for the overlap, too. The same where the request made the newest already. */
export function rotated(endpoint: Endpoint, requestId: string, overlapMs: number, now: number): Endpoint {
  const [newest] = endpoint.secrets;
  if (newest === undefined || newest.requestId === requestId) return endpoint;
  const before = overlapMs === 0 ? [] : [{ ...newest, expireTime: now + overlapMs }];
  return { ...endpoint, secrets: [newSecret(requestId), ...before] };
}

/** Those that sign now. */
export function secretsInForce({ secrets }: Pick<Endpoint, "secrets">, now: number): readonly Secret[] {
  return secrets.filter(({ expireTime = Number.POSITIVE_INFINITY }) => expireTime > now);
}

export function wants({ kinds }: Pick<Endpoint, "kinds">, kind: EventKind): boolean {
  return kinds.length === 0 || kinds.includes(kind);
}
