import { usageOf } from "./process-usage.ts";
import type { Result } from "./result.ts";
import type { Comparison, Measurement } from "./runner.ts";

/** What a generator has sent; `sent` where it is not all that it was told. */
interface Sent {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly sent?: number;
}

/** So many calls, with what they cost the process that answers them. */
export async function measureCalls(
  pid: number,
  count: number,
  send: () => Promise<Sent>,
): Promise<Measurement> {
  const before = usageOf(pid);
  const { perSecond, sent = count, ...details } = await send();
  const cpuUs = ((usageOf(pid).cpuSeconds - before.cpuSeconds) / sent) * 1e6;
  return { value: perSecond, details: { ...details, cpuUs } };
}

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
      "server CPU us/call": details.cpuUs!,
      "bound CPU us/call": boundDetails.cpuUs!,
    },
  };
}
