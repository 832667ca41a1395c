import type { Coding } from "@wellapi/series";
import { findAnyCode } from "@wellapi/terminology";
import {
  aggregatePermission,
  type BucketNumbers,
  type Buckets,
  createSeriesAggregation,
  numbersByBucket,
  ownPermission,
  type Part,
  releasedBuckets,
} from "./aggregation.ts";
import { type BucketUnit, bucketEdges, type ZonePeriod } from "./calendar.ts";
import type { Directory } from "./directory-client.ts";
import { invalidField, RecordsError } from "./errors.ts";
import type { Intent } from "./intent.ts";
import type { Source } from "./provenance.ts";
import type { ReadSeriesDeps } from "./read-series.ts";
import { readOnce } from "./reading.ts";
import type { Releases, Told } from "./releases.ts";
import { planRollup } from "./rollup.ts";
import type { SeriesQuery } from "./series-query.ts";
import { toldParts } from "./told-buckets.ts";
import { checkWantedUnit } from "./unit-conversion.ts";

export interface AggregateSeriesDeps extends ReadSeriesDeps {
  readonly directory: Directory;
  readonly releases: Releases;
}

/** The aggregate of one series and component: nothing is summed across devices or providers. */
export interface SourcedAggregate {
  readonly source: Source;
  readonly component: Coding | null;
  readonly unit: string;
  /** Those with samples, ascending. */
  readonly buckets: ReadonlyArray<{
    readonly from: number;
    readonly to: number;
    readonly numbers: BucketNumbers;
    /** The request cuts it. */
    readonly partial: boolean;
  }>;
}

const MAX_BUCKETS = 10_000;
/** Over all sources. An answer of 1 MiB carries half as many; whoever contributes decides how many sources there are. */
const MAX_ANSWERED_BUCKETS = 50_000;

/** Aggregates one code by buckets of the patient's calendar. `query.interval` has both ends. */
export function aggregateSeries(
  deps: AggregateSeriesDeps,
  intent: Intent,
  query: SeriesQuery,
  unit: BucketUnit,
): Promise<{ readonly aggregates: readonly SourcedAggregate[]; readonly access: string }> {
  const { code, interval, wanted } = query;
  return readOnce(deps, intent, async (read) => {
    const { partition } = read.subject;
    const reading = await read.reading(code);
    const permission = reading.own ? ownPermission : aggregatePermission(reading.permits, unit);
    if (permission === undefined) throw new RecordsError("RESOLUTION_TOO_FINE");
    if (findAnyCode(code)?.kind === "coded") {
      throw invalidField("code", "coded values have no sum or mean: use ReadSeries");
    }
    checkWantedUnit(code, wanted);
    const zones = await zonesOf(deps, partition);
    const edges = bucketEdges(zones, unit, interval, MAX_BUCKETS);
    if (edges === undefined) throw tooManyBuckets(MAX_BUCKETS);
    const buckets = releasedBuckets(edges, interval, permission, unit, deps.releases.instant());
    const aggregates: SourcedAggregate[] = [];
    // Asked for together with the first series.
    const revision = deps.blocks.revision(partition);
    revision.catch(() => {}); // told where it is awaited
    for await (const { series } of deps.blocks.series(partition, code)) {
      const answered = aggregates.reduce((sum, aggregate) => sum + aggregate.buckets.length, 0);
      aggregates.push(
        ...(await aggregateOne(deps, partition, series, await revision, buckets, zones, query, answered)),
      );
    }
    return {
      items: aggregates.reduce((sum, aggregate) => sum + countOf(aggregate), 0),
      permits: reading.own ? [] : reading.permits,
      answer: (access) => ({ aggregates, access }),
    };
  });
}

async function zonesOf(
  { directory }: AggregateSeriesDeps,
  partition: string,
): Promise<readonly ZonePeriod[]> {
  const known = await directory.recall(partition);
  if (known === undefined) throw new RecordsError("CONSENT_REQUIRED");
  return known.zones;
}

async function aggregateOne(
  { blocks, releases }: AggregateSeriesDeps,
  partition: string,
  series: string,
  revision: number,
  buckets: Buckets,
  zones: readonly ZonePeriod[],
  { wanted }: SeriesQuery,
  answered: number,
): Promise<SourcedAggregate[]> {
  const aggregation = createSeriesAggregation(buckets);
  let latest: { source: Source; sequence: number } | undefined;
  const counted = (source: Source, sequence: number) => {
    if (answered + aggregation.size > MAX_ANSWERED_BUCKETS) throw tooManyBuckets(MAX_ANSWERED_BUCKETS);
    if (latest === undefined || sequence >= latest.sequence) latest = { source, sequence };
  };
  const [from, to] = [buckets.counted[0]!, buckets.counted.at(-1)!];
  const live = buckets.released.includes(true);
  const summaries = live ? await blocks.summaries(partition, series, { from, to }, revision) : [];
  const rollup = planRollup(summaries, buckets);
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
  const { edges, counted: counts } = buckets;
  // In the wanted unit what was sent in several becomes one; as sent, each unit stays for itself.
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
      buckets: (await numbersByBucket(group, wanted)).map(([i, numbers]) => ({
        from: edges[i]!,
        to: edges[i + 1]!,
        numbers: buckets.told[i] ? withoutExtremes(numbers) : numbers,
        partial: counts[i] !== edges[i] || counts[i + 1] !== edges[i + 1],
      })),
    });
  }
  return aggregates;
}

/** A minimum is a sample. */
function withoutExtremes({ count, sum, mean }: BucketNumbers): BucketNumbers {
  return { count, sum, mean };
}

/** What lots say of the buckets of which no more may be told. */
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
  return buckets.reduce((sum, { numbers }) => sum + numbers.count, 0);
}
