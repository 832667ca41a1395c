import type { SampleRow } from "../../files/rows.ts";
import type { OutlinedSeries } from "../../files/summary.ts";

/** Counts samples by what they are of, where they come from. */
export interface Tally {
  add(row: SampleRow): void;
  /** In the order in which they came first. */
  series(): readonly OutlinedSeries[];
}

interface Counted {
  readonly row: SampleRow;
  readonly units: Set<string>;
  from: number;
  to: number;
  count: number;
}

export function createTally(): Tally {
  const bySource = new Map<string, Counted>();
  return {
    add(row) {
      const { code, organization, device, deviceModel, method, granularity, startMs, endMs } = row;
      const key = JSON.stringify([code, organization, device, deviceModel, method, granularity]);
      const known = bySource.get(key) ?? { row, units: new Set(), from: startMs, to: endMs, count: 0 };
      bySource.set(key, known);
      if (row.unit !== "") known.units.add(row.unit);
      known.from = Math.min(known.from, startMs);
      known.to = Math.max(known.to, endMs);
      // The components of a sample are rows of their own.
      if (row.component === known.row.component) known.count += 1;
    },
    series: () =>
      [...bySource.values()].map(({ row, units, from, to, count }) => ({
        code: row.code,
        display: row.display,
        organization: row.organization,
        device: row.deviceModel,
        units: [...units].sort(),
        from: new Date(from),
        to: new Date(to),
        count,
      })),
  };
}
