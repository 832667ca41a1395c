import type { Interval } from "./interval.ts";

/** Months of UTC, counted since the year 0. */
export function monthOf(ms: number): number {
  const date = new Date(ms);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** Where a month begins, UTC milliseconds. */
export function startOf(month: number): number {
  // Date.UTC maps years 0 to 99 to 1900 to 1999; setUTCFullYear does not.
  const date = new Date(0);
  date.setUTCFullYear(Math.floor(month / 12), month - 12 * Math.floor(month / 12), 1);
  return date.getTime();
}

export function boundsOf(month: number): Interval {
  return { from: startOf(month), to: startOf(month + 1) };
}
