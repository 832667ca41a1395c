import { endOfSample } from "@wellapi/series";
import type { Terminology } from "@wellapi/terminology";
import type { Run } from "../blocks/winners.ts";
import type { ReadDecision } from "../gate/consent-client.ts";
import type { Intent } from "../gate/intent.ts";
import { isLeftOut } from "../gate/left-out.ts";
import { rawPermit } from "../gate/permit.ts";
import { type Found, type Read, readOnce } from "../gate/reading.ts";
import { permitsFrom } from "../gate/sources.ts";
import { toldParts } from "../lots/told-buckets.ts";
import { bucketEdges } from "../model/calendar.ts";
import type { Contributor } from "../model/contributor.ts";
import { ALWAYS, hullOf, type Interval } from "../model/interval.ts";
import type { Source } from "../model/provenance.ts";
import { type AggregateSeriesDeps, zonesOf } from "./aggregates/aggregate-series.ts";
import {
  type AggregatePermission,
  aggregatePermission,
  namedPermission,
  releasedBuckets,
} from "./aggregates/aggregation.ts";
import { seriesAsTold, winnersAsTold } from "./readable-series.ts";
import { contributorOf, type SourceFilter, seriesOf } from "./source-filter.ts";

/** The summary of one series, within what the reader may see. */
export interface SeriesInfo {
  readonly code: string;
  readonly source: Source;
  /** UCUM, as sent, ascending. */
  readonly units: readonly string[];
  readonly span: Interval;
  /** Undefined where the reader may not see single samples. */
  readonly count: number | undefined;
}

/** Where a page ended: behind this series. */
export interface ListPosition {
  readonly code: string;
  readonly series: string;
}

export interface SeriesListPage {
  readonly series: readonly SeriesInfo[];
  readonly next: ListPosition | undefined;
  readonly access: string;
}

/** A page ends after this many samples. */
const SAMPLES_A_PAGE = 2_000_000;
/** Most days of the patient's calendar that are checked for a reader who may not see samples; 27 years. */
const MAX_DAYS = 10_000;

/** A readable code, and how it may be read. */
interface Readable {
  readonly code: string;
  readonly decision: ReadDecision;
}

/** The series of a patient that the reader may read, by code and id. Without `codes`: of all readable codes. */
export function listSeries(
  deps: AggregateSeriesDeps,
  intent: Intent,
  query: { readonly codes: readonly string[]; readonly sources: SourceFilter },
  size: number,
  position: ListPosition | undefined,
): Promise<SeriesListPage> {
  return readOnce(deps, intent, (read) => findSeries(deps, read, query, size, position));
}

/** As `listSeries`, for a read that has begun. */
export async function findSeries(
  deps: AggregateSeriesDeps,
  read: Read,
  query: { readonly codes: readonly string[]; readonly sources: SourceFilter },
  size: number,
  position: ListPosition | undefined,
): Promise<Found<SeriesListPage>> {
  const { partition } = read.subject;
  const readable = await readableCodes(deps.terminology, read, query.codes);
  const found: SeriesInfo[] = [];
  let last = position;
  let next: ListPosition | undefined;
  let samples = 0;
  for (const { code, decision } of readable) {
    if (next !== undefined || (position !== undefined && code < position.code)) continue;
    const first = code === position?.code ? position.series : undefined;
    const asked = { sources: query.sources, code };
    for await (const { series, info: infoOf } of listable(deps, partition, asked, decision, first)) {
      if (series === first) continue;
      const info = await infoOf();
      // That there is something of which nothing may be read would show in a page behind this one.
      if (info === undefined) continue;
      if (found.length === size || samples >= SAMPLES_A_PAGE) {
        next = last;
        break;
      }
      last = { code, series };
      found.push(info);
      samples += info.count ?? 0;
    }
  }
  return {
    items: found.length,
    fineness: undefined,
    codes: readable.map(({ code }) => code),
    permits: readable.flatMap(({ decision }) => (decision.own ? [] : decision.permits)),
    answer: (access) => ({ series: found, next, access }),
  };
}

/** By code. Throws CONSENT_REQUIRED or SCOPE_REQUIRED where a requested code, or every code, may not be read. */
async function readableCodes(
  terminology: Terminology,
  read: Read,
  asked: readonly string[],
): Promise<Readable[]> {
  const codes = (asked.length > 0 ? asked : terminology.codes.map(({ code }) => code)).toSorted();
  // At once, so that they are one question to the consent service.
  const decided = await Promise.allSettled(codes.map((code) => read.decide(code, ALWAYS)));
  const readable: Readable[] = [];
  let refused: unknown;
  for (const [at, one] of decided.entries()) {
    if (one.status === "fulfilled") readable.push({ code: codes[at]!, decision: one.value });
    else if (!isLeftOut(one.reason) || asked.length > 0) throw one.reason;
    else refused = one.reason;
  }
  if (readable.length === 0) throw refused;
  return readable;
}

/** A series, and its summary; undefined if the reader may see none of it. */
interface Listable {
  readonly series: string;
  readonly info: () => Promise<SeriesInfo | undefined>;
}

/** By ascending id, from `first` on. */
async function* listable(
  deps: AggregateSeriesDeps,
  partition: string,
  query: { readonly code: string; readonly sources: SourceFilter },
  decision: ReadDecision,
  first: string | undefined,
): AsyncGenerator<Listable> {
  const { code } = query;
  const permits = decision.own ? [] : decision.permits;
  const { from, named } = rawPermit(permits, ALWAYS) ?? {};
  if (from !== undefined && named !== undefined) {
    const reach = (contributor: Contributor) => ({ all: from(contributor), named: named(contributor) });
    for (const one of await seriesAsTold(deps, partition, query, permits, reach)) {
      const { series, stored, parts } = one;
      if (first !== undefined && series < first) continue;
      const winners = (interval: Interval) => winnersAsTold(deps.blocks, partition, one, interval);
      const theirs = stored && permitsFrom(permits, stored);
      const info = async () => {
        if (parts.length > 0)
          return shownInfo(
            code,
            parts.map(({ interval }) => interval),
            winners,
          );
        return theirs && toldInfo(deps, partition, code, series, namedPermission(theirs, "day"));
      };
      yield { series, info };
    }
    return;
  }
  for await (const { series, descriptor } of seriesOf(deps, partition, query, first)) {
    const info = async () => {
      const seen = decisionFrom(decision, await contributorOf(deps.vault, partition, permits, descriptor));
      return seen && infoOf(deps, partition, code, series, seen);
    };
    yield { series, info };
  }
}

/** What is decided about the data of one contributor; undefined: nothing of it may be read. */
function decisionFrom(decision: ReadDecision, contributor: Contributor): ReadDecision | undefined {
  if (decision.own) return decision;
  const permits = permitsFrom(decision.permits, contributor);
  return permits.length === 0 ? undefined : { own: false, permits };
}

/** Undefined if the reader may see none of it. */
async function infoOf(
  deps: AggregateSeriesDeps,
  partition: string,
  code: string,
  series: string,
  decision: ReadDecision,
): Promise<SeriesInfo | undefined> {
  const intervals = decision.own ? [ALWAYS] : rawPermit(decision.permits, ALWAYS)?.intervals;
  return intervals === undefined || (!decision.own && intervals.length === 0)
    ? toldInfo(
        deps,
        partition,
        code,
        series,
        aggregatePermission(decision.own ? [] : decision.permits, "day"),
      )
    : shownInfo(code, intervals, (interval) => deps.blocks.winners(partition, series, interval));
}

/** Of the shown samples. */
async function shownInfo(
  code: string,
  intervals: readonly Interval[],
  winners: (interval: Interval) => AsyncIterable<Run>,
): Promise<SeriesInfo | undefined> {
  const units = new Set<string>();
  let latest: Run | undefined;
  let [count, from, to] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const interval of intervals) {
    for await (const run of winners(interval)) {
      const { columns } = run;
      count += columns.times.length;
      from = Math.min(from, columns.times[0]!);
      to = Math.max(to, endOfSample(columns, columns.times.length - 1));
      for (const unit of unitsOf(run)) units.add(unit);
      if (latest === undefined || run.sequence >= latest.sequence) latest = run;
    }
  }
  if (latest === undefined) return undefined;
  return { code, source: latest.source, units: [...units].sort(), span: { from, to }, count };
}

function unitsOf({ columns: { unit, values } }: Run): readonly string[] {
  switch (values.kind) {
    case "decimal":
      return [unit];
    case "components":
      return values.components.map((component) => component.unit);
    case "coded":
      return [];
  }
}

/** Of the days with something to tell a reader who may not see samples. */
async function toldInfo(
  deps: AggregateSeriesDeps,
  partition: string,
  code: string,
  series: string,
  permission: AggregatePermission | undefined,
): Promise<SeriesInfo | undefined> {
  const names = permission && (await deps.blocks.names(partition, series, ALWAYS));
  const extent = names && hullOf(names);
  if (permission === undefined || extent === undefined) return undefined;
  const zones = await zonesOf(deps, partition);
  const edges = bucketEdges(zones, "day", extent, MAX_DAYS);
  if (edges === undefined) return undefined;
  const whole = { from: edges[0]!, to: edges.at(-1)! };
  const buckets = releasedBuckets(edges, whole, permission, "day", deps.releases.instant());
  const { lots, newest } = await deps.releases.told(partition, series, whole, zones);
  const days = toldParts(lots, buckets, deps.releases.least).flatMap((part) => [...part.buckets.keys()]);
  if (days.length === 0 || newest === undefined) return undefined;
  const span = { from: edges[Math.min(...days)]!, to: edges[Math.max(...days) + 1]! };
  return { code, source: newest.source, units: [], span, count: undefined };
}
