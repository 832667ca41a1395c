import { MAX_BLOCK_REACH_MS } from "../../blocks/block-limits.ts";
import type { Run } from "../../blocks/winners.ts";
import type { ConsentPermit } from "../../gate/permit.ts";
import { permitsFrom } from "../../gate/sources.ts";
import { type Buckets, countedIntervals } from "../../model/buckets.ts";
import type { BucketUnit } from "../../model/calendar.ts";
import { type Contributor, contributorKey } from "../../model/contributor.ts";
import { covers, type Interval, intersect } from "../../model/interval.ts";
import {
  isJoined,
  type Member,
  type ReadableSeriesDeps,
  type SeriesAsTold,
  seriesAsTold,
  winnersAsTold,
} from "../readable-series.ts";
import type { AggregateBucket, SourcedAggregate } from "./aggregate-page.ts";
import { type AggregatePermission, aggregatePermission, namedPermission } from "./aggregation.ts";
import { createCodedAggregation } from "./coded-aggregation.ts";
import {
  type AggregatingDeps,
  type Allowed,
  aggregateCodes,
  aggregateNumbers,
  bucketOf,
  createCount,
  numbersOf,
  type SeriesAggregates,
  toldOf,
  type UndividedQuestion,
} from "./series-aggregates.ts";

/** What is asked under permits that hide devices. */
export interface AskedAsTold {
  readonly permits: readonly ConsentPermit[];
  readonly unit: BucketUnit;
  readonly within: (permission: AggregatePermission) => Allowed;
  readonly question: UndividedQuestion;
  readonly isCoded: boolean;
}

/** What one sender has of devices that are not told. */
interface Joined {
  readonly one: SeriesAsTold;
  /** Of the stored series of its id: what lots may tell. */
  readonly lots: Allowed | undefined;
  readonly asked: AskedAsTold;
  readonly judged: (contributor: Contributor) => Judged;
}

/** What may be told of one contributor; undefined: nothing. */
interface Judged {
  readonly all: Allowed | undefined;
  /** With its device. */
  readonly named: Allowed | undefined;
}

/**
 * The aggregates of a code under permits that hide devices, by ascending id of the series. A bucket is told with devices where all of
 * it may be, else of what the sender has without naming any, as one series. That is counted from samples alone: rollups and lots are of
 * single devices.
 */
export async function* aggregatesAsTold(
  deps: AggregatingDeps & ReadableSeriesDeps,
  asked: AskedAsTold,
  first: string | undefined,
): AsyncGenerator<SeriesAggregates> {
  const { permits, question, isCoded } = asked;
  const { partition, query } = question;
  const judged = judging(asked);
  const reach = (contributor: Contributor) => {
    const { all, named } = judged(contributor);
    return { all: bucketsOf(all), named: bucketsOf(named) };
  };
  for (const one of await seriesAsTold(deps, partition, query, permits, reach)) {
    const { series, stored } = one;
    if (first !== undefined && series < first) continue;
    const allowed = stored && judged(stored).named;
    if (isJoined(one)) {
      const joined = { one, lots: allowed, asked, judged };
      yield { series, aggregates: () => (isCoded ? codesAsTold : numbersAsTold)(deps, joined) };
    } else if (allowed !== undefined) {
      const aggregateOne = isCoded ? aggregateCodes : aggregateNumbers;
      yield { series, aggregates: () => aggregateOne(deps, series, { ...question, ...allowed }) };
    }
  }
}

function bucketsOf(allowed: Allowed | undefined): readonly Interval[] {
  return allowed === undefined ? [] : countedIntervals(allowed.buckets);
}

function judging({ permits, unit, within }: AskedAsTold): (contributor: Contributor) => Judged {
  const known = new Map<string, Judged>();
  const judge = (contributor: Contributor): Judged => {
    const theirs = permitsFrom(permits, contributor);
    const all = aggregatePermission(theirs, unit);
    const named = namedPermission(theirs, unit);
    return { all: all && within(all), named: named && within(named) };
  };
  return (contributor) => {
    const key = contributorKey(contributor);
    const found = known.get(key) ?? judge(contributor);
    known.set(key, found);
    return found;
  };
}

const nothing: AggregatePermission = { raw: [], everRaw: [], coarse: [] };

/** The buckets that are counted within these stretches. */
function bucketsWithin({ within }: AskedAsTold, stretches: readonly Interval[]): Buckets {
  const { buckets } = within(nothing);
  const { counted } = buckets;
  const released = Array.from(counted.subarray(1), (to, i) => covers(stretches, { from: counted[i]!, to }));
  return { ...buckets, released };
}

async function numbersAsTold(
  { blocks, releases }: AggregatingDeps,
  { one, lots, asked }: Joined,
): Promise<SourcedAggregate[]> {
  const { partition, query, zones } = asked.question;
  const stretches = one.parts.map(({ interval }) => interval);
  const { released, ...counting } = bucketsWithin(asked, stretches);
  const told = released.map((yes, i) => !yes && lots?.buckets.told[i] === true);
  const buckets = { ...counting, released, told };
  const { aggregation, counted, newest } = createCount(buckets);
  for (const interval of countedIntervals(buckets)) {
    for await (const run of winnersAsTold(blocks, partition, one, interval)) {
      aggregation.add(run.columns);
      counted(run.source, run.sequence);
    }
  }
  const sums = await toldOf(releases, partition, one.series, buckets, zones);
  const parts = [...aggregation.results(), ...sums.parts];
  return numbersOf(parts, newest() ?? sums.newest?.source, buckets, query);
}

/** Samples that start before a bucket may reach into it: those of the same series that may be read are included, too. */
async function codesAsTold(
  { blocks }: AggregatingDeps,
  { one, asked, judged }: Joined,
): Promise<SourcedAggregate[]> {
  const { partition } = asked.question;
  const counts: AggregateBucket[] = [];
  let latest: Run | undefined;
  for (const { interval, members } of one.parts) {
    const buckets = bucketsWithin(asked, [interval]);
    const aggregation = createCodedAggregation(buckets);
    const reach = { from: interval.from - MAX_BLOCK_REACH_MS, to: interval.to };
    for (const bounds of readableByAll(members, reach, judged)) {
      const part = { ...one, parts: [{ interval: bounds, members }] };
      for await (const run of winnersAsTold(blocks, partition, part, bounds)) {
        aggregation.add(run.columns);
        if (latest === undefined || run.sequence >= latest.sequence) latest = run;
      }
    }
    counts.push(...aggregation.results().map(([i, content]) => bucketOf(buckets, i, content)));
  }
  if (latest === undefined || counts.length === 0) return [];
  return [{ source: latest.source, component: null, unit: "", buckets: counts }];
}

function readableByAll(
  members: readonly Member[],
  reach: Interval,
  judged: Joined["judged"],
): readonly Interval[] {
  return members.reduce<readonly Interval[]>(
    (left, { contributor, named }) => {
      const { all, named: telling } = judged(contributor);
      return intersect(left, (named ? telling : all)?.permission.raw ?? []);
    },
    [reach],
  );
}
