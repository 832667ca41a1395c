import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import type { Decision, Dispute, Permit } from "./port.ts";

/** A permit with the time at which it begins; `from` does not slide yet. Times are UTC milliseconds. */
export interface DatedPermit extends Permit {
  readonly notBefore: number;
}

/** The first and last instants of google.protobuf.Timestamp (years 1 to 9999): open ends of intervals. */
export const earliestTime = -62_135_596_800_000;
export const latestTime = 253_402_300_800_000;

/** What the consent service permits, and which of it the patient disputes. */
export interface Permitted {
  readonly permits: readonly DatedPermit[];
  readonly disputes?: readonly Dispute[];
}

/** A decision with the span of wall time in which it stays the same. */
export interface DatedDecision {
  readonly decision: Decision;
  readonly from: number;
  readonly to: number;
}

/** Judges by the permits that are in force at `now`. */
export function judge({ permits, disputes }: Permitted, now: number): DatedDecision {
  let from = Number.NEGATIVE_INFINITY;
  let to = Number.POSITIVE_INFINITY;
  for (const { notBefore, notAfter } of permits) {
    for (const edge of [notBefore, notAfter]) {
      if (edge <= now) from = Math.max(from, edge);
      else to = Math.min(to, edge);
    }
  }
  const inForce = permits.filter((permit) => permit.notBefore <= now && now < permit.notAfter);
  const [first, ...rest] = inForce.map((permit) => slid(permit, now));
  if (first) {
    const permitting = { permitted: true, permits: [first, ...rest] } as const;
    const decision = disputes === undefined ? permitting : { ...permitting, disputes };
    // The next millisecond has other windows.
    const slides = inForce.some(({ sliding }) => sliding !== undefined);
    return slides ? { decision, from: now, to: now + 1 } : { decision, from, to };
  }
  const ended = permits.length > 0 && permits.every((permit) => permit.notAfter <= now);
  const reason = ended ? DenialReason.EXPIRED : DenialReason.NO_CONSENT;
  return { decision: { permitted: false, reason }, from, to };
}

/** The permit with its window at `now`, if it slides; the window may be empty. */
function slid(permit: Permit, now: number): Permit {
  if (permit.sliding === undefined) return permit;
  const { lastMs, from } = permit.sliding;
  return { ...permit, from: Math.max(from, now - lastMs) };
}
