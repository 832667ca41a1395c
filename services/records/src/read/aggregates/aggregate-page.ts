import { createHash } from "node:crypto";
import type { Coding } from "@wellapi/series";
import type { Source } from "../../model/provenance.ts";
import type { BucketNumbers } from "./aggregation.ts";
import type { CodedBucket } from "./coded-aggregation.ts";

export interface AggregateBucket {
  readonly from: number;
  readonly to: number;
  /** Whether the request or a consent's window cuts the bucket. */
  readonly partial: boolean;
  readonly content: BucketNumbers | CodedBucket;
}

/** The aggregate of one series, component and unit: aggregates never join devices or providers. */
export interface SourcedAggregate {
  readonly source: Source;
  readonly component: Coding | null;
  readonly unit: string;
  /** Buckets with samples, ascending. */
  readonly buckets: readonly AggregateBucket[];
}

/** Where a page ended: behind this bucket. It stays valid when samples are added before or after. */
export interface AggregatePosition {
  readonly series: string;
  /** Start of the bucket, UTC milliseconds. */
  readonly from: number;
  /** The number of the aggregate within the series. */
  readonly group: string;
}

export interface AggregatePage {
  /** Adds all aggregates of a series that follows the earlier ones; false where no more fits. */
  add(series: string, aggregates: readonly SourcedAggregate[]): boolean;
  readonly aggregates: readonly SourcedAggregate[];
  /** Undefined where everything was added. */
  readonly next: AggregatePosition | undefined;
}

/** A page's JSON stays under 1 MiB, which the gateway accepts; the estimate is rather too high. */
const MOST_BYTES = 900_000;
/** With two times, a count and four numbers of up to 40 digits. */
const BUCKET_BYTES = 340;
const CODE_TIME_BYTES = 100;
/** With three ids. */
const SOURCE_BYTES = 400;
const LONGEST_GROUP = 400;

interface Entry {
  readonly aggregate: SourcedAggregate;
  readonly group: string;
  readonly bucket: AggregateBucket;
}

/** A page of up to `size` buckets behind `position`: one series after the other, each by time. */
export function createAggregatePage(size: number, position: AggregatePosition | undefined): AggregatePage {
  const answered: { of: SourcedAggregate; series: string; buckets: AggregateBucket[] }[] = [];
  const open = new Map<SourcedAggregate, AggregateBucket[]>();
  let [buckets, bytes] = [0, 0];
  let last: AggregatePosition | undefined;
  let full = false;

  function put(series: string, { aggregate, group, bucket }: Entry): boolean {
    const known = open.get(aggregate);
    const more = bytesOf(bucket) + (known === undefined ? headBytes(aggregate) : 0);
    if (buckets === size || (buckets > 0 && bytes + more > MOST_BYTES)) return false;
    const list = known ?? [];
    if (known === undefined) {
      open.set(aggregate, list);
      answered.push({ of: aggregate, series, buckets: list });
    }
    list.push(bucket);
    buckets++;
    bytes += more;
    last = { series, from: bucket.from, group };
    return true;
  }

  return {
    add(series, aggregates) {
      if (full) return false;
      for (const entry of entriesOf(aggregates)) {
        if (position?.series === series && !isBehind(entry, position)) continue;
        if (put(series, entry)) continue;
        full = true;
        return false;
      }
      return true;
    },
    get aggregates() {
      return answered.map(({ of, buckets: those }) => ({ ...of, buckets: those }));
    },
    get next() {
      return full ? last : undefined;
    },
  };
}

function entriesOf(aggregates: readonly SourcedAggregate[]): readonly Entry[] {
  const entries = aggregates.flatMap((aggregate) => {
    const group = groupOf(aggregate);
    return aggregate.buckets.map((bucket): Entry => ({ aggregate, group, bucket }));
  });
  // The buckets of one series are in order.
  return aggregates.length < 2 ? entries : entries.sort(compare);
}

type Place = Pick<AggregatePosition, "from" | "group">;

function compare(a: Entry, b: Entry): number {
  return comparePlaces({ ...a, from: a.bucket.from }, { ...b, from: b.bucket.from });
}

function isBehind({ bucket, group }: Entry, position: Place): boolean {
  return comparePlaces({ from: bucket.from, group }, position) > 0;
}

function comparePlaces(a: Place, b: Place): number {
  return a.from - b.from || (a.group < b.group ? -1 : a.group > b.group ? 1 : 0);
}

/** Identifies the aggregates of a series, and orders them. */
function groupOf({ component, unit }: SourcedAggregate): string {
  const name = JSON.stringify([component?.system ?? "", component?.code ?? "", unit]);
  // It is part of page tokens.
  return name.length <= LONGEST_GROUP ? name : `~${createHash("sha256").update(name).digest("hex")}`;
}

function bytesOf({ content }: AggregateBucket): number {
  if (!("times" in content)) return BUCKET_BYTES;
  return content.times.reduce((sum, { value }) => sum + CODE_TIME_BYTES + jsonBytes(value), BUCKET_BYTES);
}

function headBytes({ source, component, unit }: SourcedAggregate): number {
  return SOURCE_BYTES + jsonBytes([source.model, component, unit]);
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
