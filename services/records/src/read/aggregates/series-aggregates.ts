import { MAX_BLOCK_REACH_MS } from "../../blocks/block-limits.ts";
import type { Run } from "../../blocks/winners.ts";
import { invalidField, type RecordsError } from "../../errors.ts";
import type { Releases, Told } from "../../lots/releases.ts";
import { toldParts } from "../../lots/told-buckets.ts";
import { type Buckets, countedIntervals, type Part } from "../../model/buckets.ts";
import type { ZonePeriod } from "../../model/calendar.ts";
import { clip } from "../../model/interval.ts";
import type { Source } from "../../model/provenance.ts";
import type { ReadSeriesDeps } from "../read-series.ts";
import type { SeriesQuery } from "../series-query.ts";
import type { AggregateBucket, SourcedAggregate } from "./aggregate-page.ts";
import {
  type AggregatePermission,
  type BucketNumbers,
  createSeriesAggregation,
  numbersByBucket,
} from "./aggregation.ts";
import { createCodedAggregation } from "./coded-aggregation.ts";
import { holdHours, planRollup } from "./rollup.ts";

export interface AggregatingDeps extends Pick<ReadSeriesDeps, "blocks"> {
  readonly releases: Releases;
}

/** Limit for one series: the contributor decides how many units and components it has. */
const MAX_BUCKETS_A_SERIES = 50_000;

/** What may be told of the requested buckets. */
export interface Allowed {
  readonly permission: AggregatePermission;
  readonly buckets: Buckets;
}

/** The requested buckets, and how they are made. */
export interface Question extends Allowed, UndividedQuestion {}

/** The same of all series. */
export interface UndividedQuestion {
  readonly partition: string;
  readonly query: SeriesQuery;
  readonly zones: readonly ZonePeriod[];
  /** Read together with the first series. */
  readonly revision: Promise<number>;
}

/** The aggregates of a series. */
export interface SeriesAggregates {
  readonly series: string;
  readonly aggregates: () => Promise<SourcedAggregate[]>;
}

/** Numbers of one stored series. */
export async function aggregateNumbers(
  { blocks, releases }: AggregatingDeps,
  series: string,
  { partition, query, zones, buckets, revision }: Question,
): Promise<SourcedAggregate[]> {
  const { aggregation, counted, newest } = createCount(buckets);
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
  return numbersOf(
    [...aggregation.results(), ...told.parts],
    newest() ?? told.newest?.source,
    buckets,
    query,
  );
}

/** Counts samples by bucket, and remembers the source of the latest. */
export function createCount(buckets: Buckets) {
  const aggregation = createSeriesAggregation(buckets);
  let latest: { source: Source; sequence: number } | undefined;
  return {
    aggregation,
    counted(source: Source, sequence: number): void {
      if (aggregation.size > MAX_BUCKETS_A_SERIES) throw tooManyBuckets(MAX_BUCKETS_A_SERIES);
      if (latest === undefined || sequence >= latest.sequence) latest = { source, sequence };
    },
    newest: () => latest?.source,
  };
}

/** As aggregates, one a component and unit. */
export async function numbersOf(
  parts: readonly Part[],
  source: Source | undefined,
  buckets: Buckets,
  { wanted }: SeriesQuery,
): Promise<SourcedAggregate[]> {
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

/** Codes of one stored series. Samples that start before a bucket may reach into it: those that may be read are included, too. */
export async function aggregateCodes(
  { blocks }: AggregatingDeps,
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

export function bucketOf(
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
export async function toldOf(
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

export function tooManyBuckets(most: number): RecordsError {
  return invalidField("interval", `holds more than ${most} buckets: ask for less, or for longer buckets`);
}
