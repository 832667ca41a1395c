import { mantissaBounds, type Terminology } from "@wellapi/terminology";
import type { Problem } from "./item.ts";
import type { Point, Quantity } from "./point.ts";

/** As ingestion judges times: no wearable existed before, and clocks are seldom faster. */
const EARLIEST_TIME_MS = Date.UTC(1900, 0, 1);
const FUTURE_SKEW_MS = 10 * 60_000;
const MOST_DURATION_MS = 31 * 86_400_000;

export interface JudgeContext {
  readonly terminology: Terminology;
  /** UTC milliseconds. */
  readonly now: number;
}

/**
 * What is wrong with one point. Ingestion judges whole series: judged here, a bad point does not cost the good ones of its
 * series.
 */
export function judgePoint(point: Point, { terminology, now }: JudgeContext): Problem | undefined {
  const { path, value, timeMs, durationMs } = point;
  const problem = (reason: string, description: string): Problem => ({ field: path, reason, description });
  if (timeMs < EARLIEST_TIME_MS) return problem("TIME_BEFORE_1900", "must be in 1900 or later");
  if (timeMs > now + FUTURE_SKEW_MS) {
    return problem("TIME_IN_FUTURE", "must not lie after now: check the time zone that the request names");
  }
  if (durationMs > MOST_DURATION_MS) return problem("DURATION_TOO_LONG", "is about more than 31 days");
  if (value.kind === "coded") return undefined;
  for (const quantity of value.kind === "panel" ? value.parts : [value]) {
    const wrong = wrongWith(quantity, terminology);
    if (wrong !== undefined) return problem(...wrong);
  }
  return undefined;
}

function wrongWith(
  { code, unit, decimal }: Quantity,
  terminology: Terminology,
): [reason: string, description: string] | undefined {
  const definition = terminology.findAnyCode(code);
  // An installation's own terminology may lack a code; ingestion says so.
  if (definition?.kind !== "quantity") return undefined;
  const check = terminology.checkUnit(code, unit);
  if (check.status !== "ok") return ["UNIT_WRONG_DIMENSION", check.remedy];
  const { plausible, unit: own } = definition;
  const { low, high } = mantissaBounds(plausible, own, unit, decimal.scale);
  if (decimal.mantissa >= low && decimal.mantissa <= high) return undefined;
  return [
    "VALUE_IMPLAUSIBLE",
    `outside what a living body can have: ${plausible.low} to ${plausible.high} ${own}`,
  ];
}
