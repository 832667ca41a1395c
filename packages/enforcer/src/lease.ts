/** One look at both clocks, in milliseconds. */
export interface ClockReading {
  /** UTC; may jump. */
  readonly wall: number;
  /** Never jumps; may stop while the machine is suspended. */
  readonly monotonic: number;
}

/** The time for which cached decisions may be used without asking again. */
export interface SessionLease {
  /** Both clocks just before the granted opening or renewal was sent. */
  readonly start: ClockReading;
  readonly ttlMs: number;
}

/**
 * How far the wall clock and the monotonic clock may disagree about the time since the lease began. A suspension of
 * the machine shows as a wall clock that advanced alone. A shorter suspension is not noticed, so the consent
 * service's margin must be larger by the drift of the clocks (see `sessionMarginMs` there).
 */
export const clockToleranceMs = 200;

/** Why a lease ended. */
export type LeaseEnd = "expired" | "clocks_disagree";

/** Whether the lease holds at this instant; otherwise why not. */
export function leaseEnd(lease: SessionLease, at: ClockReading): LeaseEnd | undefined {
  const elapsed = at.monotonic - lease.start.monotonic;
  if (elapsed < 0 || elapsed >= lease.ttlMs) return "expired";
  const disagreement = at.wall - lease.start.wall - elapsed;
  return Math.abs(disagreement) > clockToleranceMs ? "clocks_disagree" : undefined;
}
