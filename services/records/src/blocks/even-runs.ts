import {
  BLOCK_LIMITS,
  type Columns,
  concatColumns,
  oneWhereSame,
  sameFormat,
  viewOf,
  withUsedConcepts,
} from "@wellapi/series";
import { sourceKey } from "../model/provenance.ts";
import { sequenceOf } from "../model/rank.ts";
import type { Run } from "./winners.ts";

/** Samples of one run. A coded run has no more than its dictionary may have concepts. */
const MOST_SAMPLES = 10_000;

/**
 * Ascending runs, joined and parted so that where they end depends on the samples alone, and not on the blocks in which they lie: each
 * has as many samples of one source and format as it may.
 *
 * @param observed whether they are of observations, of which several may have one time, and neighbours of other lengths stay apart
 */
export async function* evenRuns(
  runs: Iterable<Run> | AsyncIterable<Run>,
  observed: boolean,
): AsyncGenerator<Run> {
  let held: Run[] = [];
  let count = 0;
  const letGo = (): Run => {
    const whole = joined(held);
    held = [];
    count = 0;
    return whole;
  };
  for await (const run of runs) {
    const last = held.at(-1);
    if (last !== undefined && !joins(last, run, observed)) yield letGo();
    const most = run.columns.values.kind === "coded" ? BLOCK_LIMITS.dictionary : MOST_SAMPLES;
    const { length } = run.columns.times;
    for (let at = 0; at < length; ) {
      const end = Math.min(length, at + most - count);
      held.push(partOf(run, at, end));
      count += end - at;
      at = end;
      if (count === most) yield letGo();
    }
  }
  if (count > 0) yield letGo();
}

function joins(last: Run, next: Run, observed: boolean): boolean {
  const [a, b] = [last.columns, next.columns];
  return (
    a.times.at(-1)! < b.times[0]! &&
    (!observed || a.durationMs === b.durationMs) &&
    sourceKey(last.source) === sourceKey(next.source) &&
    sameFormat(a, b)
  );
}

/** The samples at positions `[from, to)`. */
function partOf(run: Run, from: number, to: number): Run {
  const { columns, ranks } = run;
  if (from === 0 && to === columns.times.length) return run;
  return { ...run, columns: viewOf(columns, from, to), ranks: () => ranks!().subarray(from, to) };
}

function joined(parts: readonly Run[]): Run {
  const all = Float64Array.from(parts.flatMap(({ ranks }) => [...ranks!()]));
  return {
    source: parts[0]!.source,
    columns: withOneDuration(concatColumns(parts.map(({ columns }) => withUsedConcepts(columns)))),
    sequence: sequenceOf(all.reduce((highest, rank) => Math.max(highest, rank), 0)),
    ranks: () => all,
  };
}

/** Its length in a message must not depend on whether its samples once had others beside them. */
function withOneDuration(columns: Columns): Columns {
  const { durationMs } = columns;
  return typeof durationMs === "number" ? columns : { ...columns, durationMs: oneWhereSame(durationMs) };
}
