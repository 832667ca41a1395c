import { viewOf } from "@wellapi/series";
import type { Run } from "../blocks/winners.ts";
import type { Intent } from "../gate/intent.ts";
import type { CodePermit } from "../gate/permit.ts";
import { type Found, type Read, readOnce } from "../gate/reading.ts";
import { unite } from "../model/interval.ts";
import { isObservationSeries } from "../model/observation-series-id.ts";
import type { ReadSeriesDeps } from "./read-series.ts";
import { readableSeries } from "./readable-series.ts";
import { bytesASample, bytesOfConsents, bytesOfHead, MESSAGE_BYTES, pieces } from "./runs.ts";
import type { SeriesQuery } from "./series-query.ts";
import { checkWantedUnit, convertColumns } from "./unit-conversion.ts";

/** Where a page begins: a time within a series. It stays valid when samples are added before or after. */
export interface SeriesPosition {
  readonly series: string;
  /** UTC milliseconds. */
  readonly time: number;
  /** Of observations, which may share a time: from this rank on. */
  readonly rank?: number;
}

/** A page of samples. */
export interface SeriesPage {
  readonly runs: readonly Run[];
  readonly next: SeriesPosition | undefined;
  readonly access: string;
}

/** Samples that came in series, and those that came as observations. */
export interface SampleKinds {
  readonly series: boolean;
  readonly observations: boolean;
}

export interface KindsQuery extends SeriesQuery {
  readonly kinds: SampleKinds;
}

/** Whether samples of the series came as one of the kinds. */
export function isOfKinds(series: string, kinds: SampleKinds): boolean {
  return isObservationSeries(series) ? kinds.observations : kinds.series;
}

/** Reads up to `size` samples of one code from `position` on. */
export function querySeries(
  deps: ReadSeriesDeps,
  intent: Intent,
  query: KindsQuery,
  size: number,
  position: SeriesPosition | undefined,
): Promise<SeriesPage> {
  return readOnce(deps, intent, (read) => findSamples(deps, read, query, size, position));
}

/** As `querySeries`, for a read that has begun. */
export async function findSamples(
  deps: ReadSeriesDeps,
  read: Read,
  query: KindsQuery,
  size: number,
  position: SeriesPosition | undefined,
): Promise<Found<SeriesPage>> {
  const { code, interval, wanted } = query;
  const codePermit = await read.codePermit(code, interval);
  checkWantedUnit(deps.terminology, code, wanted);
  const page = await collect(deps, read.subject.partition, query, codePermit, size, position);
  const runs = page.runs.map((run) => ({ ...run, columns: convertColumns(run.columns, wanted) }));
  return {
    items: runs.reduce((sum, { columns }) => sum + columns.times.length, 0),
    fineness: "raw",
    permits: codePermit.permits,
    answer: (access) => ({ runs, next: page.next, access }),
  };
}

async function collect(
  deps: ReadSeriesDeps,
  partition: string,
  query: KindsQuery,
  codePermit: CodePermit,
  size: number,
  position: SeriesPosition | undefined,
): Promise<Pick<SeriesPage, "runs" | "next">> {
  const consents = bytesOfConsents(codePermit.permits);
  const page = createPage(size, (run) => bytesOfHead(run) + consents);
  for await (const one of readableSeries(deps, partition, query, codePermit, position?.series)) {
    const { series, intervals } = one;
    if (!isOfKinds(series, query.kinds)) continue;
    const resumed = position?.series === series ? position : undefined;
    const first = resumed?.time ?? Number.NEGATIVE_INFINITY;
    for (const bounds of unite(intervals.map((i) => ({ ...i, from: Math.max(i.from, first) })))) {
      for await (const run of one.winners(bounds)) {
        const rest = page.add(withoutReturned(run, resumed));
        if (rest !== undefined) return { runs: page.runs, next: positionAt(series, rest) };
      }
    }
  }
  return { runs: page.runs, next: undefined };
}

/**
 * Up to `size` samples, and no more than an answer can hold.
 *
 * @param headOf bytes of what comes with the samples of a run
 */
export function createPage<R extends Run = Run>(size: number, headOf: (run: R) => number = bytesOfHead) {
  const runs: R[] = [];
  let left = size;
  let bytes = MESSAGE_BYTES;

  return {
    runs,
    /** The part of the run that no longer fits; undefined where all of it fits. */
    add(run: R): R | undefined {
      let at = 0;
      for (const columns of pieces(run.columns)) {
        const each = bytesASample(columns);
        const room = Math.min(left, Math.floor((bytes - headOf(run)) / each));
        const fit = runs.length === 0 ? Math.max(1, room) : room;
        const taken = fit >= columns.times.length ? columns : viewOf(columns, 0, Math.max(0, fit));
        const count = taken.times.length;
        if (count > 0) runs.push({ ...run, columns: taken });
        left -= count;
        bytes -= count * each + headOf(run);
        at += count;
        if (count < columns.times.length) return partOf(run, at);
      }
      return undefined;
    },
  };
}

/** Drops the observation at the time where a page begins if the previous page returned it: it has a lower rank. */
export function withoutReturned(run: Run, position: SeriesPosition | undefined): Run {
  const returned =
    position?.rank !== undefined &&
    run.columns.times[0] === position.time &&
    run.ranks!()[0]! < position.rank;
  return returned ? partOf(run, 1) : run;
}

export function partOf<R extends Run>(run: R, from: number): R {
  const { columns, ranks } = run;
  const part = { ...run, columns: viewOf(columns, from, columns.times.length) };
  return ranks === undefined ? part : { ...part, ranks: () => ranks().subarray(from) };
}

export function positionAt(series: string, { columns, ranks }: Run): SeriesPosition {
  const time = columns.times[0]!;
  return isObservationSeries(series) ? { series, time, rank: ranks!()[0]! } : { series, time };
}
