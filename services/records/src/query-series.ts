import { sliceColumns } from "@wellapi/series";
import type { Intent } from "./intent.ts";
import { type Interval, unite } from "./interval.ts";
import type { ReadSeriesDeps } from "./read-series.ts";
import { readOnce } from "./reading.ts";
import { pieces } from "./runs.ts";
import type { SeriesQuery } from "./series-query.ts";
import { seriesOf } from "./source-filter.ts";
import { checkWantedUnit, convertColumns } from "./unit-conversion.ts";
import type { Run } from "./winners.ts";

/** Where a page begins: a time within a series. It stays right when samples are added before or after. */
export interface SeriesPosition {
  readonly series: string;
  /** UTC milliseconds. */
  readonly time: number;
}

/** A page of samples. */
export interface SeriesPage {
  readonly runs: readonly Run[];
  readonly next: SeriesPosition | undefined;
  readonly access: string;
}

/** Reads up to `size` samples of one code from `position` on. */
export function querySeries(
  deps: ReadSeriesDeps,
  intent: Intent,
  query: SeriesQuery,
  size: number,
  position: SeriesPosition | undefined,
): Promise<SeriesPage> {
  const { code, interval, wanted } = query;
  return readOnce(deps, intent, async (read) => {
    const grant = await read.grant(code, interval);
    checkWantedUnit(code, wanted);
    const page = await collect(deps, read.subject.partition, query, grant.intervals, size, position);
    const runs = page.runs.map((run) => ({ ...run, columns: convertColumns(run.columns, wanted) }));
    return {
      items: runs.reduce((sum, { columns }) => sum + columns.times.length, 0),
      permits: grant.permits,
      answer: (access) => ({ runs, next: page.next, access }),
    };
  });
}

async function collect(
  deps: ReadSeriesDeps,
  partition: string,
  query: SeriesQuery,
  intervals: readonly Interval[],
  size: number,
  position: SeriesPosition | undefined,
): Promise<Pick<SeriesPage, "runs" | "next">> {
  const runs: Run[] = [];
  let left = size;
  for await (const { series } of seriesOf(deps, partition, query, position?.series)) {
    const first = position?.series === series ? position.time : Number.NEGATIVE_INFINITY;
    for (const { from, to } of unite(intervals.map((i) => ({ ...i, from: Math.max(i.from, first) })))) {
      for await (const run of deps.blocks.winners(partition, series, { from, to })) {
        for (const columns of pieces(run.columns)) {
          if (left === 0) return { runs, next: { series, time: columns.times[0]! } };
          const end = columns.times[left] ?? Number.POSITIVE_INFINITY;
          const taken = sliceColumns(columns, columns.times[0]!, end);
          runs.push({ ...run, columns: taken });
          left -= taken.times.length;
          if (end !== Number.POSITIVE_INFINITY) return { runs, next: { series, time: end } };
        }
      }
    }
  }
  return { runs, next: undefined };
}
