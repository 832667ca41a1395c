import { clockAhead, invalidField, tooManyMovedClocks } from "../errors.ts";

/** The clocks of a sandbox's organizations: the rules. By how many seconds each is ahead of the true time, by organization. */
export type OrganizationClocks = ReadonlyMap<string, number>;

/** Two years, of which one may be a leap year: in seconds. */
export const mostAheadSeconds = 731 * 86_400;
/** More clocks are not moved, so that those that were are one small document. */
export const mostMovedClocks = 10_000;

/** The same object where nothing changes. Throws `clock_ahead`, `too_many_moved_clocks`. */
export function withClockMoved(
  clocks: OrganizationClocks,
  organization: string,
  aheadSeconds: number,
): OrganizationClocks {
  const before = clocks.get(organization) ?? 0;
  if (aheadSeconds === before) return clocks;
  if (aheadSeconds < before) throw clockAhead(before);
  if (before === 0 && clocks.size >= mostMovedClocks) throw tooManyMovedClocks();
  return new Map([...clocks, [organization, aheadSeconds]]);
}

/** Throws `invalid`. The contract bounds the rest. */
export function aheadSecondsOf(
  duration: { readonly seconds: bigint; readonly nanos: number } | undefined,
): number {
  if (duration === undefined || duration.nanos !== 0) {
    throw invalidField("clock_ahead", "is in whole seconds");
  }
  return Number(duration.seconds);
}
