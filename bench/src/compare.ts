import type { Result } from "./result.ts";
import { shown } from "./table.ts";

/** Less than this is noise even where a row was measured once. */
const quietest = 0.05;

/** A row that differs from the committed one by more than both spreads together. */
export interface Change {
  readonly id: string;
  readonly text: string;
}

/**
 * What changed beyond the noise. Rows with a bound are compared by their ratio, so that a slower machine is no
 * change; the others by their value, which says nothing between machines.
 */
export function changesBetween(before: readonly Result[], after: readonly Result[]): Change[] {
  return after.flatMap((now): Change[] => {
    const then = before.find(({ id }) => id === now.id);
    if (then === undefined) return [{ id: now.id, text: "is new" }];
    const byRatio = then.ratio !== null && now.ratio !== null;
    const [old, fresh] = byRatio ? [then.ratio!, now.ratio!] : [then.value, now.value];
    const change = (fresh - old) / old;
    if (Math.abs(change) <= Math.max(quietest, then.spread + now.spread)) return [];
    const unit = byRatio ? "of the bound" : now.unit;
    const percent = `${change > 0 ? "+" : ""}${(change * 100).toFixed(0)} %`;
    return [{ id: now.id, text: `${shown(old)} → ${shown(fresh)} ${unit} (${percent})` }];
  });
}
