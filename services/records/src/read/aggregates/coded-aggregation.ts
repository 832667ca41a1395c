import { type Coding, type Columns, endOfSample, firstAbove } from "@wellapi/series";
import type { Buckets } from "../../model/buckets.ts";

/** How long a value held in a bucket. */
export interface CodeTime {
  readonly value: Coding;
  readonly durationMs: number;
  /** Samples with this value that lie in the bucket, at least in part. */
  readonly count: number;
}

/** The aggregate of a bucket of coded values. */
export interface CodedBucket {
  readonly count: number;
  /** By system and code. */
  readonly times: readonly CodeTime[];
}

interface Held {
  readonly value: Coding;
  durationMs: number;
  count: number;
}

/**
 * Coded values by bucket, as the samples of one series come in: each sample counts in every bucket that its interval
 * reaches.
 */
export function createCodedAggregation({ counted, released }: Buckets) {
  const buckets = new Map<number, Map<string, Held>>();

  function hold(bucket: number, value: Coding, durationMs: number): void {
    const held = buckets.get(bucket) ?? new Map<string, Held>();
    buckets.set(bucket, held);
    const key = JSON.stringify([value.system, value.code]);
    const known = held.get(key);
    if (known === undefined) held.set(key, { value, durationMs, count: 1 });
    else {
      known.durationMs += durationMs;
      known.count++;
    }
  }

  return {
    add(columns: Columns): void {
      const { times, values } = columns;
      if (values.kind !== "coded") return;
      for (const [i, from] of times.entries()) {
        const to = endOfSample(columns, i);
        const value = values.dictionary[values.indexes[i]!]!;
        for (let b = bucketAt(counted, from); b + 1 < counted.length && counted[b]! < to; b++) {
          const part = Math.min(to, counted[b + 1]!) - Math.max(from, counted[b]!);
          // The interval of an instant ends a millisecond after its start, but has no duration.
          if (released[b] && part > 0) hold(b, value, isInstant(columns, i) ? 0 : part);
        }
      }
    },

    /** Buckets with samples, ascending. */
    results(): (readonly [number, CodedBucket])[] {
      return [...buckets]
        .sort(([a], [b]) => a - b)
        .map(([bucket, held]) => {
          const times = [...held].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, time]) => time);
          return [bucket, { count: times.reduce((sum, { count }) => sum + count, 0), times }] as const;
        });
    },
  };
}

/** The bucket that holds `time`, or the first one if `time` lies before it. */
function bucketAt(edges: Float64Array, time: number): number {
  return Math.max(0, firstAbove(edges, time) - 1);
}

function isInstant({ durationMs }: Columns, i: number): boolean {
  return (typeof durationMs === "number" ? durationMs : durationMs[i]!) === 0;
}
