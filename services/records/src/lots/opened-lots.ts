import type { PatientBox } from "../blocks/patient-box.ts";
import type { Interval } from "../model/interval.ts";
import type { Lot } from "./lots.ts";
import type { MonthOfLots } from "./release-codec.ts";

/** About 60 patient-years of hours. */
const BUDGET_LOTS = 500_000;
/** What one reader asks must not push out all others. */
const LARGEST_LOTS = BUDGET_LOTS / 4;
/** What an entry costs beside its lots. */
const ENTRY_LOTS = 10;

/** Lots of an interval, ascending, and where the latest sample of each month in it came from. */
export interface OpenedLots extends Interval {
  readonly lots: readonly Lot[];
  readonly newest: ReadonlyArray<Interval & NonNullable<MonthOfLots["newest"]>>;
}

/**
 * Lots that were opened of late, so that a dashboard's next question opens nothing. They belong to the box that opened
 * them and go with its key; beyond the budget those that nobody asked for longest go first.
 */
export function createOpenedLots() {
  const opened = new WeakMap<PatientBox, Map<string, { readonly state: string; readonly of: OpenedLots }>>();
  /** By last use. It must not keep a box alive, whose key may be gone. */
  const uses = new Map<string, { readonly box: WeakRef<PatientBox>; readonly size: number }>();
  let total = 0;

  function forget(name: string): void {
    const use = uses.get(name);
    if (use === undefined) return;
    uses.delete(name);
    total -= use.size;
    const box = use.box.deref();
    if (box !== undefined) opened.get(box)?.delete(name);
  }

  return {
    /** Those of the series, if they hold the interval and are of that state. */
    get(box: PatientBox, name: string, state: string, interval: Interval): OpenedLots | undefined {
      const known = opened.get(box)?.get(name);
      if (known === undefined || known.state !== state) return undefined;
      if (known.of.from > interval.from || known.of.to < interval.to) return undefined;
      const use = uses.get(name)!;
      uses.delete(name);
      uses.set(name, use);
      return known.of;
    },

    set(box: PatientBox, name: string, state: string, of: OpenedLots): void {
      forget(name);
      const size = ENTRY_LOTS + of.lots.length;
      if (size > LARGEST_LOTS) return;
      const ofBox = opened.get(box) ?? new Map();
      opened.set(box, ofBox);
      ofBox.set(name, { state, of });
      uses.set(name, { box: new WeakRef(box), size });
      total += size;
      while (total > BUDGET_LOTS) forget(uses.keys().next().value!);
    },
  };
}
