import type { Health } from "./attempt.ts";
import type { PlaceDocument, WebhookDeliveryDocument } from "./webhook-documents.ts";

/** How a place goes from hand to hand: the rules. */

/** Whoever holds a place delivers. It ends by itself, in case that the process dies; each step renews it. */
const LEASE_MS = 20_000;

/** When somebody looks again. */
export interface Next {
  /** Absent: not before the endpoint is enabled. */
  readonly due?: number;
  /** The endpoint is left alone until then. */
  readonly rests?: boolean;
  /** Nothing new can be taken in before some of what waits is settled. */
  readonly full?: boolean;
}

/** Held from now on. */
export function leased(place: PlaceDocument, now: number): PlaceDocument {
  return { ...place, lease_time: now + LEASE_MS, due_time: now + LEASE_MS };
}

/** Given back. */
export function left(
  { lease_time: _l, due_time: _d, rest_time: _r, ...place }: PlaceDocument,
  { due, rests }: Next,
): PlaceDocument {
  if (due === undefined) return place;
  return { ...place, due_time: due, ...(rests && { rest_time: due }) };
}

export function healthOf({
  failures,
  failing_since: failingSince,
  failed_at: failedAt,
}: PlaceDocument): Health {
  return {
    failures,
    ...(failingSince !== undefined && { failingSince }),
    ...(failedAt !== undefined && { failedAt }),
  };
}

export function withHealth(
  { failing_since: _since, failed_at: _at, ...place }: PlaceDocument,
  { failures, failingSince, failedAt }: Health,
): PlaceDocument {
  return {
    ...place,
    failures,
    ...(failingSince !== undefined && { failing_since: failingSince }),
    ...(failedAt !== undefined && { failed_at: failedAt }),
  };
}

/** When a delivery is tried next: an endpoint that was enabled again is not made to wait for what was refused before. */
export function dueOf(
  { due_time, attempts }: WebhookDeliveryDocument,
  { enable_time: enabled = 0 }: PlaceDocument,
): number {
  const last = attempts.at(-1);
  return last !== undefined && last.time <= enabled ? enabled : due_time;
}
