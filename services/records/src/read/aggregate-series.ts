import { MAX_BLOCK_REACH_MS } from "../blocks/block-limits.ts";
import type { Run } from "../blocks/winners.ts";
import { invalidField, RecordsError } from "../errors.ts";
import type { ReadDecision } from "../gate/consent-client.ts";
import type { Directory } from "../gate/directory-client.ts";
import type { Intent } from "../gate/intent.ts";
import type { Fineness } from "../gate/permit.ts";
import { type Found, type Read, readOnce } from "../gate/reading.ts";
import { namesSources, permitsFrom } from "../gate/sources.ts";
import type { Releases, Told } from "../lots/releases.ts";
import { toldParts } from "../lots/told-buckets.ts";
import { type Buckets, countedIntervals, type Part } from "../model/buckets.ts";
import { type BucketUnit, bucketEdges, type ZonePeriod } from "../model/calendar.ts";
import { type Contributor, contributorKey } from "../model/contributor.ts";
import { clip } from "../model/interval.ts";
import type { Source } from "../model/provenance.ts";
import {
  type AggregateBucket,
  type AggregatePage,
  type AggregatePosition,
  createAggregatePage,
  type SourcedAggregate,
} from "./aggregate-page.ts";
import {
  type AggregatePermission,
  aggregatePermission,
  type BucketNumbers,
  createSeriesAggregation,
  finenessOf,
  numbersByBucket,
  ownPermission,
  releasedBuckets,
} from "./aggregation.ts";
import { createCodedAggregation } from "./coded-aggregation.ts";
import type { ReadSeriesDeps } from "./read-series.ts";
import { holdHours, planRollup } from "./rollup.ts";
import type { SeriesQuery } from "./series-query.ts";
import { contributorOf, seriesOf } from "./source-filter.ts";
import { checkWantedUnit } from "./unit-conversion.ts";

export interface AggregateSeriesDeps extends ReadSeriesDeps {
  readonly directory: Directory;
  readonly releases: Releases;
}

const MAX_BUCKETS = 10_000;
/** Limit for one series: the contributor decides how many units and components it has. */
const MAX_BUCKETS_A_SERIES = 50_000;

export interface AnsweredAggregates extends Pick<AggregatePage, "aggregates" | "next"> {
  readonly access: string;
  /** Data as fine as this may be behind the numbers. */
  readonly finest: Fineness;
}

/** What may be told of the requested buckets. */
interface Allowed {
  readonly permission: AggregatePermission;
  readonly buckets: Buckets;
}

/** The requested buckets, and how they are made. */
interface Question extends Allowed {
  readonly partition: string;
  readonly query: SeriesQuery;
  readonly zones: readonly ZonePeriod[];
  /** Read together with the first series. */
  readonly revision: Promise<number>;
}

/** A page of aggregates of one code by buckets of the patient's calendar. `query.interval` has both ends. */
export function aggregateSeries(
  deps: AggregateSeriesDeps,
  intent: Intent,
  query: SeriesQuery,
  unit: BucketUnit,
  size: number,
  position: AggregatePosition | undefined,
): Promise<AnsweredAggregates> {
  return readOnce(deps, intent, (read) => findAggregates(deps, read, query, unit, { size, position }));
}

/** As `aggregateSeries`, for a read that has begun. */
export async function findAggregates(
  deps: AggregateSeriesDeps,
  read: Read,
  query: SeriesQuery,
  unit: BucketUnit,
  { size, position }: { readonly size: number; readonly position: AggregatePosition | undefined },
): Promise<Found<AnsweredAggregates>> {
  const { code, interval, wanted } = query;
  const { partition } = read.subject;
  const decision = await read.decide(code, interval);
  const permission = decision.own ? ownPermission : aggregatePermission(decision.permits, unit);
  const isCoded = deps.terminology.findAnyCode(code)?.kind === "coded";
  // Only numbers have lots.
  if (permission === undefined || (isCoded && permission.raw.length === 0)) {
    throw new RecordsError("RESOLUTION_TOO_FINE");
  }
  checkWantedUnit(deps.terminology, code, wanted);
  const zones = await zonesOf(deps, partition);
  const edges = bucketEdges(zones, unit, interval, MAX_BUCKETS);
  if (edges === undefined) throw tooManyBuckets(MAX_BUCKETS);
  const instant = deps.releases.instant();
  const within = (one: AggregatePermission): Allowed => {
    return { permission: one, buckets: releasedBuckets(edges, interval, one, unit, instant) };
  };
  const allowedFrom = allowedBySource(decision, unit, within, within(permission));
  const revision = deps.blocks.revision(partition);
  revision.catch(() => {}); // handled where it is awaited
  const question = { partition, query, zones, revision };
  const aggregateOne = isCoded ? aggregateCodes : aggregateNumbers;
  const page = createAggregatePage(size, position);
  for await (const { series, descriptor } of seriesOf(deps, partition, query, position?.series)) {
    const permits = decision.own ? [] : decision.permits;
    const allowed = allowedFrom(await contributorOf(deps.vault, partition, permits, descriptor));
    if (allowed === undefined) continue;
    if (!page.add(series, await aggregateOne(deps, series, { ...question, ...allowed }))) break;
  }
  const { aggregates, next } = page;
  return {
    items: aggregates.reduce((sum, aggregate) => sum + countOf(aggregate), 0),
    fineness: finenessOf(unit),
    permits: decision.own ? [] : decision.permits,
    answer: (access) => ({ aggregates, next, access, finest: isCoded ? "raw" : finenessOf(unit) }),
  };
}

/** What may be told of one contributor's series, in which no other's data counts; undefined: nothing. `all`: where none is named. */
function allowedBySource(
  decision: ReadDecision,
  unit: BucketUnit,
  within: (permission: AggregatePermission) => Allowed,
  all: Allowed,
): (contributor: Contributor) => Allowed | undefined {
  if (decision.own || !namesSources(decision.permits)) return () => all;
  const known = new Map<string, Allowed | undefined>();
  return (contributor) => {
    const key = contributorKey(contributor);
    if (!known.has(key)) {
      const permission = aggregatePermission(permitsFrom(decision.permits, contributor), unit);
      known.set(key, permission && within(permission));
    }
    return known.get(key);
  };
}

/** Throws CONSENT_REQUIRED for an unknown patient. */
export async function zonesOf(
  { directory }: AggregateSeriesDeps,
  partition: string,
): Promise<readonly ZonePeriod[]> {
  const known = await directory.recall(partition);
  if (known === undefined) throw new RecordsError("CONSENT_REQUIRED");
  return known.zones;
}

async function aggregateNumbers(
  { blocks, releases }: AggregateSeriesDeps,
  series: string,
  { partition, query, zones, buckets, revision }: Question,
): Promise<SourcedAggregate[]> {
  const { wanted } = query;
  const aggregation = createSeriesAggregation(buckets);
  let latest: { source: Source; sequence: number } | undefined;
  const counted = (source: Source, sequence: number) => {
    if (aggregation.size > MAX_BUCKETS_A_SERIES) throw tooManyBuckets(MAX_BUCKETS_A_SERIES);
    if (latest === undefined || sequence >= latest.sequence) latest = { source, sequence };
  };
  const [from, to] = [buckets.counted[0]!, buckets.counted.at(-1)!];
  // Where no bucket holds an hour, hours would be read in vain.
  const rollup =
    buckets.released.includes(true) && holdHours(buckets)
      ? planRollup(await blocks.summaries(partition, series, { from, to }, await revision), buckets)
      : { hours: [], samples: countedIntervals(buckets) };
  for (const { summary, bucket, first, end } of rollup.hours) {
    aggregation.addHours(summary, bucket, first, end);
    let sequence = 0;
    for (let hour = first; hour < end; hour++) sequence = Math.max(sequence, summary.sequences[hour]!);
    counted(summary.source, sequence);
  }
  for (const interval of rollup.samples) {
    for await (const run of blocks.winners(partition, series, interval)) {
      aggregation.add(run.columns);
      counted(run.source, run.sequence);
    }
  }
  const told = await toldOf(releases, partition, series, buckets, zones);
  const parts = [...aggregation.results(), ...told.parts];
  const { source } = latest ?? told.newest ?? {};
  if (parts.length === 0 || source === undefined) return [];
  // In a requested unit, samples of several units become one aggregate; as sent, each unit stays separate.
  const groups = Map.groupBy(parts, ({ component, unit }) =>
    JSON.stringify([component?.system, component?.code, wanted.unit === "" ? unit : wanted.unit]),
  );
  const aggregates: SourcedAggregate[] = [];
  for (const group of groups.values()) {
    const { component, unit } = group[0]!;
    aggregates.push({
      source,
      component,
      unit: wanted.unit === "" ? unit : wanted.unit,
      buckets: (await numbersByBucket(group, wanted)).map(([i, numbers]) =>
        bucketOf(buckets, i, buckets.told[i] ? withoutExtremes(numbers) : numbers),
      ),
    });
  }
  return aggregates;
}

/** Samples that start before a bucket may reach into it: those that may be read are included, too. */
async function aggregateCodes(
  { blocks }: AggregateSeriesDeps,
  series: string,
  { partition, permission, buckets }: Question,
): Promise<SourcedAggregate[]> {
  const aggregation = createCodedAggregation(buckets);
  const [from, to] = [buckets.counted[0]! - MAX_BLOCK_REACH_MS, buckets.counted.at(-1)!];
  let latest: Run | undefined;
  for (const interval of clip(permission.raw, { from, to })) {
    for await (const run of blocks.winners(partition, series, interval)) {
      aggregation.add(run.columns);
      if (latest === undefined || run.sequence >= latest.sequence) latest = run;
    }
  }
  const counts = aggregation.results().map(([i, content]) => bucketOf(buckets, i, content));
  if (latest === undefined || counts.length === 0) return [];
  return [{ source: latest.source, component: null, unit: "", buckets: counts }];
}

function bucketOf(
  { edges, counted }: Buckets,
  i: number,
  content: AggregateBucket["content"],
): AggregateBucket {
  const partial = counted[i] !== edges[i] || counted[i + 1] !== edges[i + 1];
  return { from: edges[i]!, to: edges[i + 1]!, partial, content };
}

/** A minimum is a sample. */
function withoutExtremes({ count, sum, mean }: BucketNumbers): BucketNumbers {
  return { count, sum, mean };
}

/** The sums of lots for the buckets that may not be released from samples. */
async function toldOf(
  releases: Releases,
  partition: string,
  series: string,
  buckets: Buckets,
  zones: readonly ZonePeriod[],
): Promise<{ readonly parts: readonly Part[]; readonly newest: Told["newest"] }> {
  const { edges, told } = buckets;
  const first = told.indexOf(true);
  if (first < 0) return { parts: [], newest: undefined };
  const interval = { from: edges[first]!, to: edges[told.lastIndexOf(true) + 1]! };
  const { lots, newest } = await releases.told(partition, series, interval, zones);
  return { parts: toldParts(lots, buckets, releases.least), newest };
}

function tooManyBuckets(most: number): RecordsError {
  return invalidField("interval", `holds more than ${most} buckets: ask for less, or for longer buckets`);
}

function countOf({ buckets }: SourcedAggregate): number {
  return buckets.reduce((sum, { content }) => sum + content.count, 0);
}
