import type { Aggregate, Coding } from "@wellapi/series";
import { type Interval, unite } from "./interval.ts";

/** The buckets of an answer, and the part of each that is counted. */
export interface Buckets {
  readonly edges: Float64Array;
  /** Edges of the counted time: the request may cut the first and last bucket. */
  readonly counted: Float64Array;
  /** Whether bucket `i` is released from its samples. */
  readonly released: readonly boolean[];
  /** Whether bucket `i`, which is not released, is answered from lots. */
  readonly told: readonly boolean[];
}

/** The intervals that released buckets count. */
export function countedIntervals({ counted, released }: Buckets): Interval[] {
  return unite(released.flatMap((yes, i) => (yes ? [{ from: counted[i]!, to: counted[i + 1]! }] : [])));
}

/** The aggregates of one component in one unit, by bucket. */
export interface Part {
  readonly component: Coding | null;
  readonly unit: string;
  /** Buckets with samples. A sender may use thousands of units, so an empty bucket must cost nothing. */
  readonly buckets: Map<number, Aggregate>;
}
