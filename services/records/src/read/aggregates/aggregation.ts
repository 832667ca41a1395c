import { setImmediate as giveWay } from "node:timers/promises";
import {
  type Aggregate,
  aggregateColumns,
  type Coding,
  type Columns,
  type DecimalValue,
  type ExactDecimal,
  exactSum,
  firstAbove,
  meanOf,
  mergeAggregates,
} from "@wellapi/series";
import { convertDecimal, convertExactly } from "@wellapi/terminology";
import type { Summary } from "../../blocks/summary.ts";
import { naming } from "../../gate/masks.ts";
import type { ConsentPermit, Fineness } from "../../gate/permit.ts";
import type { Buckets, Part } from "../../model/buckets.ts";
import { type BucketUnit, NOMINAL_MS } from "../../model/calendar.ts";
import { ALWAYS, clip, covers, type Interval, unite } from "../../model/interval.ts";
import { withoutZeros } from "../decimal-text.ts";
import { outOfRange, type WantedUnit } from "../unit-conversion.ts";

/** The data that may be aggregated. */
export interface AggregatePermission {
  /** Where samples may be read as recorded: here the request may cut a bucket. */
  readonly raw: readonly Interval[];
  /** Where samples may be read as recorded, or might have been before a window slid on; contains `raw`. */
  readonly everRaw: readonly Interval[];
  /** Where lots of whole buckets of the requested length may be told; contains `raw`. */
  readonly coarse: readonly Interval[];
}

const allowedUnits: Readonly<Record<Fineness, readonly BucketUnit[]>> = {
  raw: ["minute", "hour", "day", "week", "month"],
  hourly: ["hour", "day", "week", "month"],
  daily: ["day", "week", "month"],
};

/** The coarsest resolution of a consent that permits buckets of `unit`. */
export function finenessOf(unit: BucketUnit): Fineness {
  return (["daily", "hourly"] as const).find((one) => allowedUnits[one].includes(unit)) ?? "raw";
}

/** The permission for buckets of `unit`; undefined where the permits allow none. */
export function aggregatePermission(
  permits: readonly ConsentPermit[],
  unit: BucketUnit,
): AggregatePermission | undefined {
  const allowing = permits.filter(
    ({ fineness }) => fineness !== undefined && allowedUnits[fineness].includes(unit),
  );
  if (allowing.length === 0) return undefined;
  const raw = allowing.filter(({ fineness }) => fineness === "raw");
  const ever = raw.map(({ window, sliding }) => (sliding ? { from: sliding.from, to: window.to } : window));
  return {
    raw: unite(raw.map(({ window }) => window)),
    everRaw: unite(ever),
    coarse: unite(allowing.map(({ window }) => window)),
  };
}

/** The same, for what is told with its device. */
export function namedPermission(
  permits: readonly ConsentPermit[],
  unit: BucketUnit,
): AggregatePermission | undefined {
  const named = aggregatePermission(naming(permits), unit);
  // Samples without their device are samples: a sum minus those may be one.
  return named && { ...named, everRaw: aggregatePermission(permits, unit)!.everRaw };
}

/** For patients who read their own data. */
export const ownPermission: AggregatePermission = { raw: [ALWAYS], everRaw: [ALWAYS], coarse: [ALWAYS] };

/**
 * A bucket is released if the permitted windows hold all of it. In windows of raw data the request may cut the first
 * and last bucket. In coarser windows only lots of a bucket are told, once it has ended; a bucket that is cut, or
 * that a change of zone made short, would be finer than permitted and is left out. A bucket is also left out if a
 * part of it, but not all, can or could be read raw: its sum minus that part may be one sample.
 *
 * @param ended the instant of the state from which lots are told
 */
export function releasedBuckets(
  edges: Float64Array,
  interval: Interval,
  permission: AggregatePermission,
  unit: BucketUnit,
  ended: number,
): Buckets {
  const counted = edges.map((edge) => Math.min(Math.max(edge, interval.from), interval.to));
  const buckets = Array.from(edges.subarray(1), (to, i) => ({ from: edges[i]!, to }));
  const released = buckets.map((bucket) => covers(permission.raw, bucket));
  const told = buckets.map((bucket, i) => {
    if (released[i] || bucket.to > ended) return false;
    const whole = covers([interval], bucket) && bucket.to - bucket.from >= NOMINAL_MS[unit];
    const cut = clip(permission.everRaw, bucket).length > 0 && !covers(permission.everRaw, bucket);
    return whole && !cut && covers(permission.coarse, bucket);
  });
  return { edges, counted, released, told };
}

/** Aggregates of one series that grow as its samples come in, by component and unit: exact. */
export interface SeriesAggregation {
  add(columns: Columns): void;
  /** Hours `[first, end)` of a summary, all of them in `bucket`. */
  addHours(summary: Summary, bucket: number, first: number, end: number): void;
  /** One a component and unit. */
  results(): readonly Part[];
  /** Buckets with samples, over all of them. */
  readonly size: number;
}

export function createSeriesAggregation({ counted, released }: Buckets): SeriesAggregation {
  const parts = new Map<string, Part>();
  let size = 0;

  function partOf(coding: Coding | null, unit: string): Part {
    const key = coding === null ? unit : JSON.stringify([coding.system, coding.code, unit]);
    const known = parts.get(key);
    if (known !== undefined) return known;
    const part: Part = { component: coding, unit, buckets: new Map() };
    parts.set(key, part);
    return part;
  }

  function addTo({ buckets }: Part, bucket: number, numbers: Aggregate): void {
    const known = buckets.get(bucket);
    if (known === undefined) size++;
    buckets.set(bucket, known === undefined ? numbers : mergeAggregates(known, numbers)!);
  }

  return {
    addHours({ counts, parts: summed }, bucket, first, end) {
      let count = 0;
      for (let hour = first; hour < end; hour++) count += counts[hour]!;
      for (const { coding, unit, scale, sums, minima, maxima } of summed) {
        let min = minima[first]!;
        let max = maxima[first]!;
        for (let hour = first + 1; hour < end; hour++) {
          if (minima[hour]! < min) min = minima[hour]!;
          if (maxima[hour]! > max) max = maxima[hour]!;
        }
        const sum = { mantissa: exactSum(sums, first, end), scale };
        const numbers = { count, sum, min: { mantissa: min, scale }, max: { mantissa: max, scale } };
        addTo(partOf(coding, unit), bucket, numbers);
      }
    },
    add(columns) {
      const first = Math.max(0, firstAbove(counted, columns.times[0]!) - 1);
      const last = Math.min(counted.length - 1, firstAbove(counted, columns.times.at(-1)!));
      if (last <= first) return;
      for (const { coding, unit, buckets } of aggregateColumns(columns, counted.subarray(first, last + 1))) {
        let part: Part | undefined;
        for (const [i, numbers] of buckets.entries()) {
          if (!released[first + i] || numbers === null) continue;
          part ??= partOf(coding, unit);
          addTo(part, first + i, numbers);
        }
      }
    },
    results: () => [...parts.values()],
    get size() {
      return size;
    },
  };
}

/** The numbers of one bucket, in one unit. */
export interface BucketNumbers {
  readonly count: number;
  /** Absent where it is withheld, as `max`. */
  readonly min?: DecimalValue;
  readonly max?: DecimalValue;
  readonly sum: ExactDecimal;
  readonly mean: ExactDecimal;
}

/** Digits of a converted sum, and the most digits of any answer. */
const MOST_DIGITS = 9;

/**
 * Converting a bucket takes some 25 us: after this many buckets other tasks of the process run, a revocation among
 * them.
 */
const CONVERSIONS_A_TURN = 200;

/**
 * Buckets with samples, ascending, in the requested unit, from parts of several units. Sums are converted, not
 * samples, so only the result is rounded; the mean is rounded once, half to even. The time is proportional to the
 * number of buckets with samples, however many parts they have.
 *
 * @throws RecordsError for more digits than a number can carry
 */
export async function numbersByBucket(
  parts: readonly Part[],
  wanted: WantedUnit,
): Promise<(readonly [number, BucketNumbers])[]> {
  const present = new Map<number, { whole: Aggregate; converts: boolean }>();
  let conversions = 0;
  for (const { buckets, unit } of parts) {
    const converts = wanted.unit !== "" && unit !== wanted.unit;
    for (const [bucket, numbers] of buckets) {
      if (converts && ++conversions % CONVERSIONS_A_TURN === 0) await giveWay();
      const part = converts ? outOfRange(() => converted(numbers, unit, wanted)) : numbers;
      const known = present.get(bucket);
      if (known === undefined) present.set(bucket, { whole: part, converts });
      else {
        known.whole = mergeAggregates(known.whole, part)!;
        known.converts ||= converts;
      }
    }
  }
  const answers: (readonly [number, BucketNumbers])[] = [];
  for (const [bucket, { whole, converts }] of [...present].sort(([a], [b]) => a - b)) {
    if (converts && ++conversions % CONVERSIONS_A_TURN === 0) await giveWay();
    answers.push([bucket, bucketNumbers(whole, converts, wanted)]);
  }
  return answers;
}

function bucketNumbers(whole: Aggregate, converts: boolean, wanted: WantedUnit): BucketNumbers {
  const { count, min, max, sum } = whole;
  const { digits, unit } = wanted;
  if (digits === undefined) {
    return { count, min, max, sum, mean: withoutZeros(meanOf(whole, MOST_DIGITS), sum.scale) };
  }
  return {
    count,
    min,
    max,
    sum: converts ? outOfRange(() => convertDecimal(sum, unit, unit, digits)) : sum,
    mean: meanOf(whole, digits),
  };
}

function converted(aggregate: Aggregate, unit: string, { unit: to, digits }: WantedUnit): Aggregate {
  const { count, min, max, sum } = aggregate;
  const one = (value: DecimalValue) =>
    digits === undefined ? exactly(value, unit, to) : convertDecimal(value, unit, to, digits);
  const carried = convertDecimal(sum, unit, to, MOST_DIGITS, count);
  return {
    count,
    // Conversions are monotonic, so they keep the order.
    min: one(min),
    max: one(max),
    sum: digits === undefined ? withoutZeros(carried, sum.scale) : carried,
  };
}

function exactly({ mantissa, scale }: DecimalValue, unit: string, to: string): DecimalValue {
  const one = convertExactly(Float64Array.of(mantissa), scale, unit, to);
  return { mantissa: one.mantissas[0]!, scale: one.scale };
}
