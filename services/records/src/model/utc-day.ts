export const DAY_MS = 86_400_000;

/** The day of UTC, counted since 1970-01-01. */
export function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}
