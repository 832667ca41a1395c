import { sliceColumns } from "@wellapi/series";
import { evenRuns } from "../blocks/even-runs.ts";
import type { Run } from "../blocks/winners.ts";
import type { Interval } from "../model/interval.ts";
import { clip } from "../model/interval.ts";
import { isObservationSeries } from "../model/observation-series-id.ts";
import { DAY_MS, dayOf } from "../model/utc-day.ts";
import type { ReadableSeries } from "./readable-series.ts";

/** One step reads the days of a week at most, and fewer once they are full. */
const MOST_DAYS_A_STEP = 7;
const FEW_SAMPLES = 2_000;

/** What of a series starts in one day of UTC. */
export interface SeriesDay {
  /** Days since 1970-01-01. */
  readonly day: number;
  readonly runs: readonly Run[];
}

/** The days of a series on which samples start that may be read, in either order; in the memory of one step. */
export async function* daysOf(
  { series, joins, intervals, winners, names }: Omit<ReadableSeries, "descriptor" | "within">,
  descending: boolean,
): AsyncGenerator<SeriesDay> {
  const bounds = { from: intervals[0]?.from ?? 0, to: intervals.at(-1)?.to ?? 0 };
  if (bounds.from >= bounds.to) return;
  const stored = await names(bounds);
  let length = 1;
  for (let at = nextDay(stored, bounds, descending); at !== undefined; ) {
    const [from, to] = descending ? [at - length + 1, at + 1] : [at, at + length];
    const runs: Run[] = [];
    for (const interval of clip(intervals, { from: from * DAY_MS, to: to * DAY_MS })) {
      for await (const run of winners(interval)) runs.push(run);
    }
    const days = joins ? await Promise.all(byDay(runs).map((day) => even(series, day))) : byDay(runs);
    yield* descending ? days.reverse() : days;
    const samples = runs.reduce((sum, { columns }) => sum + columns.times.length, 0);
    length =
      samples < FEW_SAMPLES ? Math.min(MOST_DAYS_A_STEP, 2 * length) : Math.max(1, Math.floor(length / 2));
    const left = descending ? { ...bounds, to: from * DAY_MS } : { ...bounds, from: to * DAY_MS };
    at = nextDay(stored, left, descending);
  }
}

/** The first day within the bounds, in the order, into which a block reaches. */
function nextDay(stored: readonly Interval[], bounds: Interval, descending: boolean): number | undefined {
  let next: number | undefined;
  for (const { from, to } of stored) {
    const [first, last] = [Math.max(from, bounds.from), Math.min(to, bounds.to) - 1];
    if (first > last) continue;
    const day = dayOf(descending ? last : first);
    next = next === undefined ? day : descending ? Math.max(next, day) : Math.min(next, day);
  }
  return next;
}

function byDay(runs: readonly Run[]): SeriesDay[] {
  const days = new Map<number, Run[]>();
  for (const run of runs) {
    const { times } = run.columns;
    for (let day = dayOf(times[0]!); day <= dayOf(times.at(-1)!); day++) {
      const part = partOf(run, day);
      if (part === undefined) continue;
      const known = days.get(day);
      if (known === undefined) days.set(day, [part]);
      else known.push(part);
    }
  }
  return [...days].sort(([a], [b]) => a - b).map(([day, parts]) => ({ day, runs: parts }));
}

async function even(series: string, { day, runs }: SeriesDay): Promise<SeriesDay> {
  return { day, runs: await Array.fromAsync(evenRuns(runs, isObservationSeries(series))) };
}

function partOf(run: Run, day: number): Run | undefined {
  const { columns, ranks } = run;
  const part = sliceColumns(columns, day * DAY_MS, (day + 1) * DAY_MS);
  const count = part.times.length;
  if (count === 0 || count === columns.times.length) return count === 0 ? undefined : run;
  const first = columns.times.indexOf(part.times[0]!);
  return {
    ...run,
    columns: part,
    ...(ranks !== undefined && { ranks: () => ranks().subarray(first, first + count) }),
  };
}
