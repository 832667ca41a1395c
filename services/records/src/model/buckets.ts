import type { Aggregate, Coding } from "@wellapi/series";
import { type Interval, unite } from "./interval.ts";

/** The buckets that are released, with what of each is counted. */
export interface Buckets {
  readonly edges: Float64Array;
  /** Edges of what is counted: the first and last bucket may be cut by the request. */
  readonly counted: Float64Array;
  /** Whether bucket `i` is released as its samples are now. */
  readonly released: readonly boolean[];
  /** Whether of bucket `i`, which is not, is told what lots say. */
  readonly told: readonly boolean[];
}

/** The stretches of time that released buckets count. */
export function countedIntervals({ counted, released }: Buckets): Interval[] {
  return unite(released.flatMap((yes, i) => (yes ? [{ from: counted[i]!, to: counted[i + 1]! }] : [])));
}

/** What is known of one component in one unit, by bucket. */
export interface Part {
  readonly component: Coding | null;
  readonly unit: string;
  /** Those with samples. A sender may use thousands of units, so what is empty must cost nothing. */
  readonly buckets: Map<number, Aggregate>;
}
