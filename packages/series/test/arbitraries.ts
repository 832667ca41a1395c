import fc from "fast-check";
import type { Coding, Columns, ValueColumn } from "../src/index.ts";

const MIN_TIME = -62_135_596_800_000;
const MAX_TIME = 253_402_300_799_999;

const text = fc.oneof(
  { weight: 9, arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom("\ufeffstarts with a byte order mark", "\0", "{steps}/min") },
);
export const coding: fc.Arbitrary<Coding> = fc.oneof(
  fc.record({ system: text, code: text }),
  fc.record({ system: text, code: text, display: text }),
);

/** Small numbers, numbers around the edges of the encodings, runs: what the codec treats differently. */
const mantissa = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -200, max: 200 }) },
  { weight: 2, arbitrary: fc.integer({ min: -(2 ** 31) - 2, max: 2 ** 31 + 2 }) },
  { weight: 1, arbitrary: fc.maxSafeInteger() },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      Number.MAX_SAFE_INTEGER,
      -Number.MAX_SAFE_INTEGER,
      2 ** 52,
      2 ** 52 - 1,
      -(2 ** 52),
      127,
      128,
    ),
  },
);

/** Columns of numbers with repeats; most stay small, so that each mode of the codec is reached. */
function numbers(count: number): fc.Arbitrary<Float64Array> {
  const small = fc.integer({ min: -70, max: 70 });
  return fc
    .oneof(
      fc.array(mantissa, { minLength: count, maxLength: count }),
      fc.array(small, { minLength: count, maxLength: count }),
      fc
        .tuple(small, small)
        .map(([start, step]) => Array.from({ length: count }, (_, i) => start + i * step)),
      fc.array(fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7), { minLength: count, maxLength: count }),
    )
    .map((values) => Float64Array.from(values));
}

export function times(count: number): fc.Arbitrary<Float64Array> {
  const regular = fc
    .tuple(fc.integer({ min: -1e12, max: 2e12 }), fc.integer({ min: 1, max: 86_400_000 }))
    .map(([start, step]) => Array.from({ length: count }, (_, i) => start + i * step));
  const gaps = fc
    .tuple(
      fc.integer({ min: -1e12, max: 2e12 }),
      fc.constantFrom(1, 1_000, 60_000),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: count, maxLength: count }),
    )
    .map(([start, unit, steps]) => {
      let time = start;
      return steps.map((step) => {
        time += step * unit;
        return time;
      });
    });
  const anywhere = fc
    .uniqueArray(fc.integer({ min: MIN_TIME, max: MAX_TIME }), { minLength: count, maxLength: count })
    .map((list) => list.sort((a, b) => a - b));
  return fc.oneof(regular, gaps, anywhere).map((list) => Float64Array.from(list));
}

const scale = fc.integer({ min: 0, max: 9 });

export function decimalValues(count: number): fc.Arbitrary<ValueColumn> {
  return fc.record({ kind: fc.constant("decimal" as const), scale, mantissas: numbers(count) });
}

export function codedValues(count: number): fc.Arbitrary<ValueColumn> {
  return fc
    .array(coding, { minLength: 1, maxLength: 4 })
    .chain((dictionary) =>
      fc
        .array(fc.nat(dictionary.length - 1), { minLength: count, maxLength: count })
        .map((indexes) => ({ kind: "coded" as const, dictionary, indexes: Uint32Array.from(indexes) })),
    );
}

export function componentsValues(count: number): fc.Arbitrary<ValueColumn> {
  return fc.record({
    kind: fc.constant("components" as const),
    components: fc.array(fc.record({ coding, unit: text, scale, mantissas: numbers(count) }), {
      minLength: 1,
      maxLength: 3,
    }),
  });
}

/** One for all, or one a sample. */
export function durations(count: number): fc.Arbitrary<Columns["durationMs"]> {
  const one = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 31 * 86_400_000 }));
  return fc.oneof(
    one,
    fc.array(one, { minLength: count, maxLength: count }).map((each) => Uint32Array.from(each)),
  );
}

/** Any valid columns. */
export const columns: fc.Arbitrary<Columns> = fc
  .integer({ min: 0, max: 60 })
  .chain((count) =>
    fc.tuple(
      times(count),
      fc.oneof(decimalValues(count), codedValues(count), componentsValues(count)),
      fc.integer({ min: -1_080, max: 1_080 }),
      durations(count),
      text,
    ),
  )
  .map(([timeColumn, values, offsetMinutes, durationMs, unit]) => ({
    times: timeColumn,
    offsetMinutes,
    durationMs,
    unit: values.kind === "decimal" ? unit : "",
    values,
  }));
