import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Aggregate,
  aggregateColumns,
  type Columns,
  compareDecimals,
  exactSum,
  meanOf,
  mergeAggregates,
  sliceColumns,
} from "../src/index.ts";
import { decimalValues, times } from "./arbitraries.ts";

const decimalColumns: fc.Arbitrary<Columns> = fc
  .integer({ min: 0, max: 40 })
  .chain((count) => fc.tuple(times(count), decimalValues(count)))
  .map(([timeColumn, values]) => ({
    times: timeColumn,
    offsetMinutes: 0,
    durationMs: 0,
    unit: "Cel",
    values,
  }));

const boundaries = fc
  .uniqueArray(fc.integer({ min: -1e12, max: 3e12 }), { maxLength: 12 })
  .map((list) => Float64Array.from(list.sort((a, b) => a - b)));

interface Sample {
  readonly time: number;
  readonly mantissa: number;
  readonly scale: number;
}

function samplesOf(columns: Columns): Sample[] {
  const values = columns.values as Extract<Columns["values"], { kind: "decimal" }>;
  return [...columns.times].map((time, i) => ({ time, mantissa: values.mantissas[i]!, scale: values.scale }));
}

/** Value × 10^9 as an integer: every stored number is one. */
function nano({ mantissa, scale }: { mantissa: number | bigint; scale: number }): bigint {
  return BigInt(mantissa) * 10n ** BigInt(9 - scale);
}

/** What a naive program would say of the samples, in nanos. */
function naive(samples: readonly Sample[]) {
  const values = samples.map(nano);
  const ascending = [...values].sort((a, b) => (a < b ? -1 : 1));
  return {
    count: samples.length,
    sum: values.reduce((a, b) => a + b, 0n),
    min: ascending[0]!,
    max: ascending.at(-1)!,
  };
}

function inNanos(aggregate: Aggregate) {
  return {
    count: aggregate.count,
    sum: nano(aggregate.sum),
    min: nano(aggregate.min),
    max: nano(aggregate.max),
  };
}

describe("aggregateColumns", () => {
  test("equals exact arithmetic over each bucket", () => {
    fc.assert(
      fc.property(decimalColumns, boundaries, (columns, edges) => {
        const [column] = aggregateColumns(columns, edges);
        expect(column!.buckets).toHaveLength(Math.max(0, edges.length - 1));
        column!.buckets.forEach((bucket, i) => {
          const inside = samplesOf(columns).filter(({ time }) => time >= edges[i]! && time < edges[i + 1]!);
          expect(bucket === null ? null : inNanos(bucket)).toEqual(
            inside.length === 0 ? null : naive(inside),
          );
        });
      }),
      { numRuns: 400 },
    );
  });

  test("each component is aggregated by itself", () => {
    const result = aggregateColumns(
      {
        times: Float64Array.of(0, 1),
        offsetMinutes: 0,
        durationMs: 0,
        unit: "",
        values: {
          kind: "components",
          components: [
            {
              coding: { system: "l", code: "8480-6" },
              unit: "mm[Hg]",
              scale: 0,
              mantissas: Float64Array.of(120, 130),
            },
            {
              coding: { system: "l", code: "8462-4" },
              unit: "kPa",
              scale: 1,
              mantissas: Float64Array.of(107, 110),
            },
          ],
        },
      },
      Float64Array.of(0, 2),
    );
    expect(result.map(({ coding, unit, buckets }) => [coding?.code, unit, buckets[0]?.sum])).toEqual([
      ["8480-6", "mm[Hg]", { mantissa: 250n, scale: 0 }],
      ["8462-4", "kPa", { mantissa: 217n, scale: 1 }],
    ]);
  });

  test("coded values and boundaries out of order are refused", () => {
    const coded: Columns = {
      times: Float64Array.of(0),
      offsetMinutes: 0,
      durationMs: 0,
      unit: "",
      values: { kind: "coded", dictionary: [{ system: "s", code: "c" }], indexes: Uint32Array.of(0) },
    };
    expect(() => aggregateColumns(coded, Float64Array.of(0, 1))).toThrow(
      expect.objectContaining({ code: "not_aggregable" }),
    );
    for (const edges of [
      [1, 1],
      [2, 1],
      [0, Number.NaN],
    ]) {
      expect(() => aggregateColumns(coded, Float64Array.from(edges))).toThrow(
        expect.objectContaining({ code: "times_not_ascending", field: "boundaries" }),
      );
    }
  });
});

describe("mergeAggregates", () => {
  const everything = Float64Array.of(-1e15, 1e15);
  const whole = (columns: Columns) => aggregateColumns(columns, everything)[0]!.buckets[0] ?? null;

  test("of two parts, whatever their scales, equals exact arithmetic over both", () => {
    fc.assert(
      fc.property(decimalColumns, decimalColumns, (a, b) => {
        const both = [...samplesOf(a), ...samplesOf(b)];
        fc.pre(both.length > 0);
        expect(inNanos(mergeAggregates(whole(a), whole(b))!)).toEqual(naive(both));
        expect(mergeAggregates(whole(b), whole(a))).toEqual(mergeAggregates(whole(a), whole(b)));
      }),
      { numRuns: 300 },
    );
  });

  test("merging the buckets of a cut equals aggregating the whole", () => {
    fc.assert(
      fc.property(decimalColumns, fc.integer({ min: -1e12, max: 2e12 }), (columns, cut) => {
        const before = whole(sliceColumns(columns, Number.NEGATIVE_INFINITY, cut));
        const after = whole(sliceColumns(columns, cut, Number.POSITIVE_INFINITY));
        expect(mergeAggregates(before, after)).toEqual(whole(columns));
      }),
      { numRuns: 200 },
    );
  });

  test("comparison agrees with exact arithmetic", () => {
    const decimal = fc.record({ mantissa: fc.maxSafeInteger(), scale: fc.integer({ min: 0, max: 9 }) });
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const expected = nano(a) < nano(b) ? -1 : nano(a) > nano(b) ? 1 : 0;
        expect(Math.sign(compareDecimals(a, b))).toBe(expected);
      }),
    );
  });
});

describe("of values that are equal and written differently", () => {
  const one = (mantissa: number, scale: number): Aggregate => ({
    count: 1,
    sum: { mantissa: BigInt(mantissa), scale },
    min: { mantissa, scale },
    max: { mantissa, scale },
  });

  test("minimum and maximum keep the one with more digits, whichever comes first", () => {
    const [short, long] = [one(986, 1), one(9860, 2)];
    for (const merged of [mergeAggregates(short, long), mergeAggregates(long, short)]) {
      expect(merged).toEqual({
        count: 2,
        sum: { mantissa: 19_720n, scale: 2 },
        min: { mantissa: 9860, scale: 2 },
        max: { mantissa: 9860, scale: 2 },
      });
    }
    expect(mergeAggregates(one(985, 1), long)).toMatchObject({
      min: { mantissa: 985 },
      max: { mantissa: 9860 },
    });
    expect(mergeAggregates(one(987, 1), long)).toMatchObject({
      min: { mantissa: 9860 },
      max: { mantissa: 987 },
    });
  });

  test("none is less than the other", () => {
    expect(compareDecimals({ mantissa: 986, scale: 1 }, { mantissa: 9860, scale: 2 })).toBe(0);
    expect(compareDecimals({ mantissa: 9860, scale: 2 }, { mantissa: 986, scale: 1 })).toBe(0);
    expect(compareDecimals({ mantissa: 5, scale: 1 }, { mantissa: 5, scale: 1 })).toBe(0);
  });
});

describe("sums that leave what a double can tell apart", () => {
  test("are exact, upwards and downwards and through zero", () => {
    const most = Number.MAX_SAFE_INTEGER;
    const big = BigInt(most);
    for (const [integers, sum] of [
      [[most, most, most], 3n * big],
      [[-most, -most, -most], -3n * big],
      [[most, 1, 1, -most], 2n],
      [[-most, -1, -1, most], -2n],
      [[most, most, -most, -most, 7], 7n],
      [[], 0n],
    ] as const) {
      expect(exactSum(Float64Array.from(integers), 0, integers.length)).toBe(sum);
    }
    expect(exactSum(Float64Array.of(1, 2, 4, 8), 1, 3)).toBe(6n);
  });
});

test("boundaries that do not rise are refused by the first that does not", () => {
  const none: Columns = {
    times: new Float64Array(0),
    offsetMinutes: 0,
    durationMs: 0,
    unit: "Cel",
    values: { kind: "decimal", scale: 0, mantissas: new Float64Array(0) },
  };
  expect(() => aggregateColumns(none, Float64Array.of(0, 1, 2, 2, 1))).toThrow(
    expect.objectContaining({ code: "times_not_ascending", field: "boundaries", index: 3 }),
  );
});

describe("meanOf", () => {
  const aggregate = (sum: bigint, scale: number, count: number): Aggregate => ({
    count,
    sum: { mantissa: sum, scale },
    min: { mantissa: 0, scale },
    max: { mantissa: 0, scale },
  });

  test.each([
    [1n, 0, 2, 0, 0n], // 0.5
    [3n, 0, 2, 0, 2n], // 1.5
    [5n, 0, 2, 0, 2n], // 2.5
    [-5n, 0, 2, 0, -2n], // −2.5
    [-7n, 0, 2, 0, -4n], // −3.5
    [2n, 0, 3, 3, 667n], // 0.6666…
    [125n, 3, 1, 2, 12n], // 0.125
    [135n, 3, 1, 2, 14n], // 0.135
    [986n, 1, 1, 2, 9860n], // 98.6
  ])("sum %s at scale %i over %i samples to %i digits", (sum, scale, count, digits, mantissa) => {
    expect(meanOf(aggregate(sum, scale, count), digits)).toEqual({ mantissa, scale: digits });
  });

  test("is never further than half a unit of the last digit from the exact mean", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }),
        fc.nat(9),
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.nat(18),
        (sum, scale, count, digits) => {
          const { mantissa } = meanOf(aggregate(sum, scale, count), digits);
          const denominator = BigInt(count) * 10n ** BigInt(scale);
          const error = sum * 10n ** BigInt(digits) - mantissa * denominator;
          expect((error < 0n ? -error : error) * 2n <= denominator).toBe(true);
        },
      ),
    );
  });

  // With that many digits it no longer fits into doubles.
  test("is the same for a sum that is written with fifteen digits more, ties included", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n }),
        fc.nat(3),
        fc.oneof(fc.constantFrom(1, 2, 4, 8, 20), fc.integer({ min: 1, max: 100_000 })),
        fc.nat(5),
        (sum, scale, count, digits) => {
          const longer = aggregate(sum * 10n ** 15n, scale + 15, count);
          expect(meanOf(aggregate(sum, scale, count), digits)).toEqual(meanOf(longer, digits));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("digits out of range are refused", () => {
    for (const digits of [-1, 19, 0.5, Number.NaN]) {
      expect(() => meanOf(aggregate(1n, 0, 1), digits)).toThrow(
        expect.objectContaining({ code: "out_of_range" }),
      );
    }
  });
});
