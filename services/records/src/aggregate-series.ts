import type { Coding } from "@wellapi/series";
import { findAnyCode } from "@wellapi/terminology";
import {
  aggregatePermission,
  type BucketNumbers,
  type Buckets,
  createSeriesAggregation,
  numbersByBucket,
  ownPermission,
  releasedBuckets,
} from "./aggregation.ts";
import { type BucketUnit, bucketEdges, type ZonePeriod } from "./calendar.ts";
import type { Directory } from "./directory-client.ts";
import { invalidField, RecordsError } from "./errors.ts";
import type { Intent } from "./intent.ts";
import type { Source } from "./provenance.ts";
import type { ReadSeriesDeps } from "./read-series.ts";
import { readOnce } from "./reading.ts";
import { planRollup } from "./rollup.ts";
import type { SeriesQuery } from "./series-query.ts";
import { checkWantedUnit } from "./unit-conversion.ts";

export interface AggregateSeriesDeps extends ReadSeriesDeps {
  readonly directory: Directory;
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
    const edges = bucketEdges(await zonesOf(deps, partition), unit, interval, MAX_BUCKETS);
    if (edges === undefined) throw tooManyBuckets(MAX_BUCKETS);
    const buckets = releasedBuckets(edges, interval, permission, unit);
    const aggregates: SourcedAggregate[] = [];
    // Asked for together with the first series.
    const revision = deps.blocks.revision(partition);
    revision.catch(() => {}); // told where it is awaited
    for await (const { series } of deps.blocks.series(partition, code)) {
      const answered = aggregates.reduce((sum, aggregate) => sum + aggregate.buckets.length, 0);
      aggregates.push(
        ...(await aggregateOne(deps, partition, series, await revision, buckets, query, answered)),
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
  { blocks }: AggregateSeriesDeps,
  partition: string,
  series: string,
  revision: number,
  buckets: Buckets,
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
  const rollup = planRollup(await blocks.summaries(partition, series, { from, to }, revision), buckets);
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
  if (latest === undefined) return [];
  const { source } = latest;
  const { edges } = buckets;
  // In the wanted unit what was sent in several becomes one; as sent, each unit stays for itself.
  const groups = Map.groupBy(aggregation.results(), ({ component, unit }) =>
    JSON.stringify([component?.system, component?.code, wanted.unit === "" ? unit : wanted.unit]),
  );
  const aggregates: SourcedAggregate[] = [];
  for (const parts of groups.values()) {
    const { component, unit } = parts[0]!;
    const told = await numbersByBucket(parts, wanted);
    aggregates.push({
      source,
      component,
      unit: wanted.unit === "" ? unit : wanted.unit,
      buckets: told.map(([i, numbers]) => ({ from: edges[i]!, to: edges[i + 1]!, numbers })),
    });
  }
  return aggregates;
}

function tooManyBuckets(most: number): RecordsError {
  return invalidField("interval", `holds more than ${most} buckets: ask for less, or for longer buckets`);
}

function countOf({ buckets }: SourcedAggregate): number {
  return buckets.reduce((sum, { numbers }) => sum + numbers.count, 0);
}
