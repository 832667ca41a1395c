import type { Coding, Columns } from "./columns.ts";
import { SeriesError } from "./series-error.ts";
import { firstAtOrAfter } from "./slice.ts";

/** One stored number, as it was sent: mantissa × 10^-scale. */
export interface DecimalValue {
  readonly mantissa: number;
  readonly scale: number;
}

/** An exact result, which may be larger than any stored number: mantissa × 10^-scale. */
export interface ExactDecimal {
  readonly mantissa: bigint;
  readonly scale: number;
}

/**
 * The aggregate of the samples of one bucket. All of it is exact, and it can be merged with the aggregates of other
 * samples, whatever their scales. Its unit is the unit of the column.
 */
export interface Aggregate {
  /** At least 1: a bucket of no samples is `null` instead. */
  readonly count: number;
  readonly sum: ExactDecimal;
  readonly min: DecimalValue;
  readonly max: DecimalValue;
}

export interface AggregatedColumn {
  /** The component that is aggregated; null for a decimal column. */
  readonly coding: Coding | null;
  /** UCUM. */
  readonly unit: string;
  /** `buckets[i]` covers the samples in `[boundaries[i], boundaries[i + 1])`; null where there are none. */
  readonly buckets: readonly (Aggregate | null)[];
}

/**
 * Aggregates by buckets of time. A sample belongs to the bucket in which it starts; samples outside all
 * buckets are left out.
 *
 * @param boundaries n + 1 strictly ascending UTC milliseconds for n buckets
 * @returns one entry for a decimal column; one for each component of components, in their order
 * @throws SeriesError `not_aggregable` for coded values, `times_not_ascending` for the boundaries
 */
export function aggregateColumns(columns: Columns, boundaries: Float64Array): AggregatedColumn[] {
  checkBoundaries(boundaries);
  const { times, values, unit } = columns;
  switch (values.kind) {
    case "decimal":
      return [
        { coding: null, unit, buckets: aggregateInto(boundaries, times, values.mantissas, values.scale) },
      ];
    case "components":
      return values.components.map((component) => ({
        coding: component.coding,
        unit: component.unit,
        buckets: aggregateInto(boundaries, times, component.mantissas, component.scale),
      }));
    case "coded":
      throw new SeriesError("not_aggregable", "values", "coded values cannot be aggregated as numbers");
  }
}

function checkBoundaries(boundaries: Float64Array): void {
  for (let i = 1; i < boundaries.length; i++) {
    if (!(boundaries[i]! > boundaries[i - 1]!)) {
      throw new SeriesError("times_not_ascending", "boundaries", "must be later than the one before", {
        index: i,
      });
    }
  }
}

function aggregateInto(
  boundaries: Float64Array,
  times: Float64Array,
  mantissas: Float64Array,
  scale: number,
): (Aggregate | null)[] {
  const buckets: (Aggregate | null)[] = [];
  let from = boundaries.length > 0 ? firstAtOrAfter(times, boundaries[0]!) : 0;
  for (let i = 1; i < boundaries.length; i++) {
    const end = boundaries[i]!;
    let to = from;
    while (to < times.length && times[to]! < end) to++;
    buckets.push(to === from ? null : aggregateRange(mantissas, scale, from, to));
    from = to;
  }
  return buckets;
}

function aggregateRange(mantissas: Float64Array, scale: number, from: number, to: number): Aggregate {
  let min = mantissas[from]!;
  let max = min;
  for (let i = from; i < to; i++) {
    const mantissa = mantissas[i]!;
    if (mantissa < min) min = mantissa;
    if (mantissa > max) max = mantissa;
  }
  return {
    count: to - from,
    sum: { mantissa: exactSum(mantissas, from, to), scale },
    min: { mantissa: min, scale },
    max: { mantissa: max, scale },
  };
}

/** The sum of the safe integers at `[from, to)`. */
export function exactSum(integers: Float64Array, from: number, to: number): bigint {
  let carried = 0n;
  let sum = 0; // exact: moved to `carried` before it could leave the safe integers
  for (let i = from; i < to; i++) {
    const integer = integers[i]!;
    const next = sum + integer;
    if (next > Number.MAX_SAFE_INTEGER || next < -Number.MAX_SAFE_INTEGER) {
      carried += BigInt(sum);
      sum = integer;
    } else {
      sum = next;
    }
  }
  return carried + BigInt(sum);
}

/**
 * The aggregate of the samples of both; null stands for no samples. Exact, associative and commutative. Of equal
 * minima written differently (98.6, 98.60) the one with more digits is kept.
 *
 * Merge only aggregates of one unit, and count each sample only once: overlay blocks first.
 */
export function mergeAggregates(a: Aggregate | null, b: Aggregate | null): Aggregate | null {
  if (a === null) return b;
  if (b === null) return a;
  return {
    count: a.count + b.count,
    sum: addDecimals(a.sum, b.sum),
    min: compareDecimals(a.min, b.min) <= 0 ? preferred(a.min, b.min) : b.min,
    max: compareDecimals(a.max, b.max) >= 0 ? preferred(a.max, b.max) : b.max,
  };
}

function preferred(a: DecimalValue, b: DecimalValue): DecimalValue {
  return compareDecimals(a, b) === 0 && b.scale > a.scale ? b : a;
}

function addDecimals(a: ExactDecimal, b: ExactDecimal): ExactDecimal {
  const scale = Math.max(a.scale, b.scale);
  return {
    mantissa: a.mantissa * powerOfTen(scale - a.scale) + b.mantissa * powerOfTen(scale - b.scale),
    scale,
  };
}

/** Negative, 0 or positive as `a` is less than, equal to or greater than `b`, whatever their scales. */
export function compareDecimals(a: DecimalValue, b: DecimalValue): number {
  if (a.scale === b.scale) return a.mantissa - b.mantissa;
  const scale = Math.max(a.scale, b.scale);
  const left = BigInt(a.mantissa) * powerOfTen(scale - a.scale);
  const right = BigInt(b.mantissa) * powerOfTen(scale - b.scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * The mean, rounded once, half to even.
 *
 * @param digits decimal places of the result, 0 to 18; it becomes the result's scale
 * @throws SeriesError `out_of_range` for `digits`
 */
export function meanOf(aggregate: Aggregate, digits: number): ExactDecimal {
  if (!Number.isInteger(digits) || digits < 0 || digits > 18) {
    throw new SeriesError("out_of_range", "digits", "must be an integer from 0 to 18");
  }
  const { sum, count } = aggregate;
  // Where doubles are exact, they take a fraction of the time.
  const numerator = Number(sum.mantissa) * 10 ** digits;
  const denominator = count * 10 ** sum.scale;
  const mantissa =
    Number.isSafeInteger(2 * numerator) && Number.isSafeInteger(2 * denominator)
      ? BigInt(divideSafeHalfEven(numerator, denominator))
      : divideHalfEven(sum.mantissa * powerOfTen(digits), BigInt(count) * powerOfTen(sum.scale));
  return { mantissa, scale: digits };
}

/** As `divideHalfEven`, of numbers whose doubles are safe integers. */
function divideSafeHalfEven(numerator: number, denominator: number): number {
  const rest = numerator % denominator;
  const quotient = (numerator - rest) / denominator;
  const twice = 2 * Math.abs(rest);
  if (twice < denominator || (twice === denominator && quotient % 2 === 0)) return quotient;
  return numerator < 0 ? quotient - 1 : quotient + 1;
}

/** `denominator` must be positive. */
function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n;
  const magnitude = negative ? -numerator : numerator;
  let quotient = magnitude / denominator;
  const twice = (magnitude % denominator) * 2n;
  if (twice > denominator || (twice === denominator && quotient % 2n === 1n)) quotient += 1n;
  return negative ? -quotient : quotient;
}

function powerOfTen(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}
