import { RecordsError } from "../../errors.ts";
import type { ReadDecision } from "../../gate/consent-client.ts";
import type { Directory } from "../../gate/directory-client.ts";
import type { Intent } from "../../gate/intent.ts";
import { hidesDevices } from "../../gate/masks.ts";
import type { Fineness } from "../../gate/permit.ts";
import { type Found, type Read, readOnce } from "../../gate/reading.ts";
import { namesSources, permitsFrom } from "../../gate/sources.ts";
import type { Releases } from "../../lots/releases.ts";
import { type BucketUnit, bucketEdges, type ZonePeriod } from "../../model/calendar.ts";
import { type Contributor, contributorKey } from "../../model/contributor.ts";
import type { ReadSeriesDeps } from "../read-series.ts";
import type { SeriesQuery } from "../series-query.ts";
import { contributorOf, seriesOf } from "../source-filter.ts";
import { checkWantedUnit } from "../unit-conversion.ts";
import {
  type AggregatePage,
  type AggregatePosition,
  createAggregatePage,
  type SourcedAggregate,
} from "./aggregate-page.ts";
import { aggregatesAsTold } from "./aggregates-as-told.ts";
import {
  type AggregatePermission,
  aggregatePermission,
  finenessOf,
  ownPermission,
  releasedBuckets,
} from "./aggregation.ts";
import {
  type Allowed,
  aggregateCodes,
  aggregateNumbers,
  type SeriesAggregates,
  tooManyBuckets,
  type UndividedQuestion,
} from "./series-aggregates.ts";

export interface AggregateSeriesDeps extends ReadSeriesDeps {
  readonly directory: Directory;
  readonly releases: Releases;
}

const MAX_BUCKETS = 10_000;

export interface AnsweredAggregates extends Pick<AggregatePage, "aggregates" | "next"> {
  readonly access: string;
  /** Data as fine as this may be behind the numbers. */
  readonly finest: Fineness;
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
  const revision = deps.blocks.revision(partition);
  revision.catch(() => {}); // handled where it is awaited
  const question = { partition, query, zones, revision };
  const asked: Asked = { decision, unit, within, question, isCoded };
  const page = createAggregatePage(size, position);
  for await (const { series, aggregates } of seriesAggregates(deps, asked, permission, position?.series)) {
    if (!page.add(series, await aggregates())) break;
  }
  const { aggregates, next } = page;
  return {
    items: aggregates.reduce((sum, aggregate) => sum + countOf(aggregate), 0),
    fineness: finenessOf(unit),
    permits: decision.own ? [] : decision.permits,
    answer: (access) => ({ aggregates, next, access, finest: isCoded ? "raw" : finenessOf(unit) }),
  };
}

/** What is asked of all series. */
interface Asked {
  readonly decision: ReadDecision;
  readonly unit: BucketUnit;
  readonly within: (permission: AggregatePermission) => Allowed;
  readonly question: UndividedQuestion;
  readonly isCoded: boolean;
}

/** By ascending id, from `first` on. `permission`: where no contributor is named. */
async function* seriesAggregates(
  deps: AggregateSeriesDeps,
  asked: Asked,
  permission: AggregatePermission,
  first: string | undefined,
): AsyncGenerator<SeriesAggregates> {
  const { decision, unit, within, question, isCoded } = asked;
  const { partition, query } = question;
  const permits = decision.own ? [] : decision.permits;
  if (hidesDevices(permits)) {
    yield* aggregatesAsTold(deps, { permits, unit, within, question, isCoded }, first);
    return;
  }
  const allowedFrom = allowedBySource(decision, unit, within, within(permission));
  const aggregateOne = isCoded ? aggregateCodes : aggregateNumbers;
  for await (const { series, descriptor } of seriesOf(deps, partition, query, first)) {
    const allowed = allowedFrom(await contributorOf(deps.vault, partition, permits, descriptor));
    if (allowed === undefined) continue;
    yield { series, aggregates: () => aggregateOne(deps, series, { ...question, ...allowed }) };
  }
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

function countOf({ buckets }: SourcedAggregate): number {
  return buckets.reduce((sum, { content }) => sum + content.count, 0);
}
