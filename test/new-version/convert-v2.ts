import { type GoalV2, Measure, Period } from "./contracts.ts";
import type { Goal } from "./goal.ts";

const measures: Readonly<Record<Goal["measure"], number>> = {
  steps: Measure.STEPS,
  active_minutes: Measure.ACTIVE_MINUTES,
};
const periods: Readonly<Record<Goal["period"], number>> = { day: Period.DAY, week: Period.WEEK };

/** The contract's rules refuse any other number. */
export function goalOfV2({ measure, amount, period }: GoalV2): Goal {
  return { measure: named(measures, measure), amount, period: named(periods, period) };
}

export function goalToV2({ measure, amount, period }: Goal): GoalV2 {
  return { measure: measures[measure], amount, period: periods[period] };
}

function named<K extends string>(numbers: Readonly<Record<K, number>>, value: number): K {
  const found = Object.entries(numbers).find(([, number]) => number === value);
  if (found === undefined) throw new TypeError(`no name for ${value}`);
  return found[0] as K;
}
