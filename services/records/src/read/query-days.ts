import type { Run } from "../blocks/winners.ts";
import type { Intent } from "../gate/intent.ts";
import type { CodePermit } from "../gate/permit.ts";
import { type Found, type Read, readOnce } from "../gate/reading.ts";
import type { Interval } from "../model/interval.ts";
import { DAY_MS } from "../model/utc-day.ts";
import { daysOf, type SeriesDay } from "./days.ts";
import {
  createPage,
  isOfKinds,
  partOf,
  positionAt,
  type SampleKinds,
  type SeriesPosition,
  withoutReturned,
} from "./query-series.ts";
import type { ReadSeriesDeps } from "./read-series.ts";
import { readableCodes } from "./readable-codes.ts";
import { readableSeries } from "./readable-series.ts";
import { bytesOfConsents, bytesOfHead } from "./runs.ts";
import type { SeriesQuery } from "./series-query.ts";
import { checkWantedUnit, convertColumns } from "./unit-conversion.ts";

/** What to read by the day. */
export interface DaysQuery extends Pick<SeriesQuery, "interval" | "wanted" | "sources"> {
  /** Undefined: all that the reader may read. */
  readonly codes: readonly string[] | undefined;
  readonly descending: boolean;
  readonly kinds: SampleKinds;
}

/** Where a page begins: on a day, in a series of a code, at a time. */
export interface DaysPosition extends SeriesPosition {
  readonly day: number;
  readonly code: string;
}

/** A run, and of which code and series its samples are. */
export interface CodedRun {
  readonly code: string;
  /** Its internal id. */
  readonly series: string;
  readonly run: Run;
}

export interface DaysPage {
  readonly runs: readonly CodedRun[];
  readonly next: DaysPosition | undefined;
  readonly access: string;
}

/** Up to `size` samples of several codes, one day of UTC after another. */
export function queryDays(
  deps: ReadSeriesDeps,
  intent: Intent,
  query: DaysQuery,
  size: number,
  position: DaysPosition | undefined,
): Promise<DaysPage> {
  return readOnce(deps, intent, (read) => findDays(deps, read, query, size, position));
}

export async function findDays(
  deps: ReadSeriesDeps,
  read: Read,
  query: DaysQuery,
  size: number,
  position: DaysPosition | undefined,
): Promise<Found<DaysPage>> {
  const readable = await readableCodes(deps.terminology, read, query.codes, boundsOf(query, position));
  for (const code of readable.keys()) checkWantedUnit(deps.terminology, code, query.wanted);
  const { runs, next } = await collect(deps, read.subject.partition, query, readable, size, position);
  const converted = runs.map(({ run, ...of }) => {
    return { ...of, run: { ...run, columns: convertColumns(run.columns, query.wanted) } };
  });
  return {
    items: converted.reduce((sum, { run }) => sum + run.columns.times.length, 0),
    fineness: "raw",
    codes: [...readable.keys()],
    permits: [...readable.values()].flatMap(({ permits }) => permits),
    answer: (access) => ({ runs: converted, next, access }),
  };
}

/** Days that lie before the page are not opened again. */
function boundsOf({ interval, descending }: DaysQuery, position: DaysPosition | undefined): Interval {
  if (position === undefined) return interval;
  return descending
    ? { from: interval.from, to: Math.min(interval.to, (position.day + 1) * DAY_MS) }
    : { from: Math.max(interval.from, position.day * DAY_MS), to: interval.to };
}

interface Head {
  readonly code: string;
  readonly series: string;
  readonly days: AsyncGenerator<SeriesDay>;
  next: SeriesDay | undefined;
}

async function collect(
  deps: ReadSeriesDeps,
  partition: string,
  query: DaysQuery,
  readable: ReadonlyMap<string, CodePermit>,
  size: number,
  position: DaysPosition | undefined,
): Promise<Pick<DaysPage, "runs" | "next">> {
  const consents = Math.max(0, ...[...readable.values()].map(({ permits }) => bytesOfConsents(permits)));
  const page = createPage(size, (run) => bytesOfHead(run) + consents);
  const places: { readonly code: string; readonly series: string }[] = [];
  const runs = () => page.runs.map((run, at) => ({ ...places[at]!, run }));
  const heads = await headsOf(deps, partition, query, readable);
  for (;;) {
    const day = firstDay(heads, query.descending);
    if (day === undefined) return { runs: runs(), next: undefined };
    for (const head of heads) {
      if (head.next?.day !== day) continue;
      const { code, series } = head;
      const from = position?.day === day ? resumedAt(position, code, series) : "all";
      for (const run of from === "none" ? [] : head.next.runs) {
        const shown = from === "all" || from === "none" ? run : behind(run, from);
        if (shown === undefined) continue;
        const rest = page.add(shown);
        while (places.length < page.runs.length) places.push({ code, series });
        if (rest !== undefined) return { runs: runs(), next: { day, code, ...positionAt(series, rest) } };
      }
      head.next = await take(head.days);
    }
  }
}

/** What of a series the pages before have not told of the day on which a page begins. */
function resumedAt(position: DaysPosition, code: string, series: string): "all" | "none" | SeriesPosition {
  if (code === position.code && series === position.series) return position;
  const later = code > position.code || (code === position.code && series > position.series);
  return later ? "all" : "none";
}

function behind(run: Run, position: SeriesPosition): Run | undefined {
  const { times } = run.columns;
  if (times.at(-1)! < position.time) return undefined;
  const first = times.findIndex((time) => time >= position.time);
  const shown = withoutReturned(first === 0 ? run : partOf(run, first), position);
  return shown.columns.times.length === 0 ? undefined : shown;
}

async function headsOf(
  deps: ReadSeriesDeps,
  partition: string,
  { sources, kinds, descending }: DaysQuery,
  readable: ReadonlyMap<string, CodePermit>,
): Promise<Head[]> {
  const heads: Head[] = [];
  for (const [code, codePermit] of readable) {
    for await (const one of readableSeries(deps, partition, { code, sources }, codePermit)) {
      if (!isOfKinds(one.series, kinds)) continue;
      heads.push({ code, series: one.series, days: daysOf(one, descending), next: undefined });
    }
  }
  for (const head of heads) head.next = await take(head.days);
  return heads;
}

function firstDay(heads: readonly Head[], descending: boolean): number | undefined {
  const days = heads.flatMap(({ next }) => (next === undefined ? [] : [next.day]));
  if (days.length === 0) return undefined;
  return descending ? Math.max(...days) : Math.min(...days);
}

async function take(days: AsyncGenerator<SeriesDay>): Promise<SeriesDay | undefined> {
  const { done, value } = await days.next();
  return done === true ? undefined : value;
}
