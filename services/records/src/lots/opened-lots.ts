import { createBoxCache } from "../blocks/box-cache.ts";
import type { PatientBox } from "../blocks/patient-box.ts";
import type { Interval } from "../model/interval.ts";
import type { Lot } from "./lots.ts";
import type { MonthOfLots } from "./release-codec.ts";

/** About 60 patient-years of hours. */
const BUDGET_LOTS = 500_000;
/** The weight of an entry beside its lots. */
const ENTRY_LOTS = 10;

/** Lots of an interval, ascending, and the source of the latest sample of each month in it. */
export interface OpenedLots extends Interval {
  readonly lots: readonly Lot[];
  readonly newest: ReadonlyArray<Interval & NonNullable<MonthOfLots["newest"]>>;
}

/** Recently opened lots, so that a dashboard's next request opens nothing. */
export function createOpenedLots() {
  const cache = createBoxCache<{ readonly state: string; readonly of: OpenedLots }>({
    name: "opened-lots",
    budget: BUDGET_LOTS,
    largest: BUDGET_LOTS / 4,
    weigh: ({ of }) => ENTRY_LOTS + of.lots.length,
  });
  return {
    /** The lots of the series, if they cover the interval and belong to that state. */
    get(box: PatientBox, name: string, state: string, interval: Interval): OpenedLots | undefined {
      const known = cache.get(box, name);
      if (known === undefined || known.state !== state) return undefined;
      return known.of.from > interval.from || known.of.to < interval.to ? undefined : known.of;
    },
    set: (box: PatientBox, name: string, state: string, of: OpenedLots) =>
      cache.set(box, name, { state, of }),
  };
}
