import type { Result } from "./result.ts";
import type { Comparison } from "./runner.ts";

/** P3 and P4 have the same goals, each beside its own bound. */
export function unaryResult(id: string, comparison: Comparison, boundName: string): Result {
  const { value, bound, ratio, spread, details, boundDetails } = comparison;
  const p99Ratio = details.p99Ms! / boundDetails.p99Ms!;
  return {
    id,
    value,
    unit: "calls/s",
    bound,
    ratio,
    spread,
    goal: `at least 0.5 of ${boundName}, p99 at most three times the bound's`,
    met: ratio >= 0.5 && p99Ratio <= 3,
    details: {
      "p50 ms": details.p50Ms!,
      "p99 ms": details.p99Ms!,
      "bound p50 ms": boundDetails.p50Ms!,
      "bound p99 ms": boundDetails.p99Ms!,
      "p99 ratio": p99Ratio,
    },
  };
}
