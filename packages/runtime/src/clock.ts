/** Time, passed in so that tests decide it. */
export interface Clock {
  /** UTC milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds of a clock that never jumps and may stop while the machine is suspended. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
