import { judgeEnum } from "./form.ts";
import { type Violation, violation } from "./violation.ts";

/** The declared class of an interval's length; the numbers are the contract's. */
export type Granularity = number;

export const UNSPECIFIED = 0;
const INSTANT = 1;
export const EPISODE = 6;
const COUNT = 7;

const MINUTE_MS = 60_000;
/** The greatest length of each proposed class. It is a proposal: the sender's declaration counts. */
const proposals = [
  [7.5 * MINUTE_MS, "GRANULARITY_MINUTE"],
  [30 * MINUTE_MS, "GRANULARITY_QUARTER_HOUR"],
  [12 * 60 * MINUTE_MS, "GRANULARITY_HOUR"],
  [48 * 60 * MINUTE_MS, "GRANULARITY_DAY"],
] as const;

/** @param durationMs 0 for instants; undefined where the lengths differ */
export function judgeGranularity(
  granularity: Granularity,
  durationMs: number | undefined,
  found: Violation[],
): void {
  judgeEnum(granularity, COUNT, "granularity", found);
  if (granularity === UNSPECIFIED && durationMs !== 0) {
    const proposal =
      durationMs === undefined ? undefined : proposals.find(([most]) => durationMs <= most)?.[1];
    const remedy =
      proposal === undefined
        ? "send GRANULARITY_EPISODE for intervals of their own length"
        : `send ${proposal}, or GRANULARITY_EPISODE for intervals of their own length`;
    found.push(violation("granularity", "GRANULARITY_REQUIRED", remedy));
  } else if (granularity !== UNSPECIFIED && (granularity === INSTANT) !== (durationMs === 0)) {
    found.push(violation("granularity", "GRANULARITY_MISMATCH"));
  }
}
