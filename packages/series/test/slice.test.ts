import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BLOCK_LIMITS,
  type Coding,
  type Columns,
  checkColumns,
  concatColumns,
  firstAtOrAfter,
  pickColumns,
  sameFormat,
  sliceColumns,
} from "../src/index.ts";
import { appendColumns } from "../src/slice.ts";
import { columns } from "./arbitraries.ts";

function block(times: readonly number[], value: number, scale = 0): Columns {
  return {
    times: Float64Array.from(times),
    offsetMinutes: 0,
    durationMs: 0,
    unit: "/min",
    values: { kind: "decimal", scale, mantissas: Float64Array.from(times, (time) => value * 1_000 + time) },
  };
}

/** Everything there is to know of each sample, as text: what a reader would be shown. */
function samples(all: readonly Columns[]): string[] {
  return all.flatMap((part) => [...part.times].map((time, i) => `${time} ${describeValue(part, i)}`));
}

function describeValue({ values, unit, offsetMinutes, durationMs }: Columns, i: number): string {
  const format = [unit, offsetMinutes, typeof durationMs === "number" ? durationMs : durationMs[i]];
  switch (values.kind) {
    case "decimal":
      return JSON.stringify([format, values.mantissas[i], values.scale]);
    case "coded":
      return JSON.stringify([format, values.dictionary[values.indexes[i]!]]);
    case "components":
      return JSON.stringify([
        format,
        values.components.map((c) => [c.coding, c.unit, c.scale, c.mantissas[i]]),
      ]);
  }
}

const crowded: fc.Arbitrary<Columns> = fc
  .tuple(fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 30 }), fc.nat(5))
  .map(([times, value]) =>
    block(
      times.sort((a, b) => a - b),
      value,
    ),
  );

describe("sliceColumns and concatColumns", () => {
  test("a slice holds the samples that start in the half-open range", () => {
    fc.assert(
      fc.property(
        crowded,
        fc.integer({ min: -5, max: 65 }),
        fc.integer({ min: -5, max: 65 }),
        (all, from, to) => {
          const expected = samples([all]).filter((_, i) => all.times[i]! >= from && all.times[i]! < to);
          expect(samples([sliceColumns(all, from, to)])).toEqual(expected);
        },
      ),
    );
  });

  test("cutting anywhere and joining gives the same samples", () => {
    fc.assert(
      fc.property(columns, fc.nat(), (all, at) => {
        const cut = all.times[at % Math.max(1, all.times.length)] ?? 0;
        const parts = [
          sliceColumns(all, Number.NEGATIVE_INFINITY, cut),
          sliceColumns(all, cut, Number.POSITIVE_INFINITY),
        ];
        const joined = concatColumns(parts);
        checkColumns(joined);
        expect(samples([joined])).toEqual(samples([all]));
      }),
      { numRuns: 200 },
    );
  });

  test("durations stay with their samples, and are one number where they are the same", () => {
    const minutes = { ...block([0, 60], 1), durationMs: 60 };
    const stages = { ...block([120, 150, 240], 1), durationMs: Uint32Array.of(30, 90, 60) };
    const joined = concatColumns([minutes, stages]);
    checkColumns(joined);
    expect(joined.durationMs).toEqual(Uint32Array.of(60, 60, 30, 90, 60));
    expect(sliceColumns(joined, 60, 240).durationMs).toEqual(Uint32Array.of(60, 30, 90));
    expect(pickColumns(joined, Uint32Array.of(0, 1, 4)).durationMs).toBe(60);
    expect(pickColumns(joined, Uint32Array.of(3, 4)).durationMs).toEqual(Uint32Array.of(90, 60));
    expect(concatColumns([minutes, { ...block([120], 1), durationMs: 60 }]).durationMs).toBe(60);
  });

  test("other formats and other orders are refused", () => {
    const early = block([1, 2], 1);
    const late = block([3, 4], 1);
    expect(() => concatColumns([late, early])).toThrow(
      expect.objectContaining({ code: "times_not_ascending" }),
    );
    expect(() => concatColumns([early, early])).toThrow(
      expect.objectContaining({ code: "times_not_ascending" }),
    );
    expect(() => concatColumns([])).toThrow(expect.objectContaining({ code: "length_mismatch" }));
    for (const other of [block([3, 4], 1, 1), { ...late, unit: "Hz" }, { ...late, offsetMinutes: 60 }]) {
      expect(() => concatColumns([early, other])).toThrow(
        expect.objectContaining({ code: "format_mismatch" }),
      );
    }
  });
});

/** One sample at each time, of stages with these names. */
function stages(
  times: readonly number[],
  dictionary: readonly Coding[],
  indexes: readonly number[],
): Columns {
  return {
    ...block(times, 0),
    unit: "",
    values: { kind: "coded", dictionary, indexes: Uint32Array.from(indexes) },
  };
}

const systolic: Coding = { system: "http://loinc.org", code: "8480-6", display: "Systolic" };
const diastolic: Coding = { system: "http://loinc.org", code: "8462-4" };

function pressures(times: readonly number[], change: object = {}, second: object = {}): Columns {
  const part = (coding: Coding) => ({
    coding,
    unit: "mm[Hg]",
    scale: 0,
    mantissas: Float64Array.from(times, (time) => 100 + time),
  });
  return {
    ...block(times, 0),
    unit: "",
    values: {
      kind: "components",
      components: [
        { ...part(systolic), ...change },
        { ...part(diastolic), ...second },
      ],
    },
  };
}

describe("a slice", () => {
  test("shares memory with the whole, and of all of it is the whole itself", () => {
    const all = { ...block([1, 2, 3], 1), durationMs: Uint32Array.of(1, 1, 1) };
    expect(sliceColumns(all, 1, 4)).toBe(all);
    for (const [from, to] of [
      [2, 4],
      [1, 3],
    ] as const) {
      const part = sliceColumns(all, from, to);
      expect(part.times).toHaveLength(2);
      expect(part.times.buffer).toBe(all.times.buffer);
    }
  });

  test("is searched for from where the caller knows that nothing earlier is meant", () => {
    const times = Float64Array.of(1, 2, 2, 3);
    expect([0, 1, 2, 3, 4].map((ms) => firstAtOrAfter(times, ms))).toEqual([0, 0, 1, 3, 4]);
    expect([0, 1, 2, 3, 4].map((ms) => firstAtOrAfter(times, ms, 2))).toEqual([2, 2, 2, 3, 4]);
  });

  test("of picked samples has them in the order in which they were picked, in memory of their own", () => {
    fc.assert(
      fc.property(columns, fc.array(fc.nat(), { maxLength: 30 }), (all, picks) => {
        const count = all.times.length;
        const positions = Uint32Array.from(count === 0 ? [] : picks.map((pick) => pick % count));
        const picked = pickColumns(all, positions);
        const whole = samples([all]);
        expect(samples([picked])).toEqual([...positions].map((position) => whole[position]));
        expect(picked.times.buffer).not.toBe(all.times.buffer);
      }),
      { numRuns: 300 },
    );
  });
});

describe("blocks are of one format", () => {
  const two = block([1, 2], 1);
  const codes = [{ system: "s", code: "light" }];

  test("where they differ in times, durations and dictionaries alone", () => {
    for (const [a, b] of [
      [two, { ...block([5], 7), durationMs: 60 }],
      [stages([1], codes, [0]), stages([2], [{ system: "s", code: "deep" }], [0])],
      [pressures([1]), pressures([2])],
    ] as const) {
      expect(sameFormat(a, b)).toBe(true);
      expect(sameFormat(b, a)).toBe(true);
    }
  });

  test("and not where anything else differs: nothing that was sent is changed", () => {
    const one = pressures([1]);
    const { values } = one as { values: Extract<Columns["values"], { kind: "components" }> };
    for (const [a, b] of [
      [two, block([5], 1, 1)],
      [two, { ...two, unit: "Hz" }],
      [two, { ...two, offsetMinutes: 60 }],
      [{ ...two, unit: "" }, stages([5], codes, [0])],
      [{ ...two, unit: "" }, one],
      [stages([5], codes, [0]), one],
      [one, { ...one, values: { ...values, components: values.components.slice(0, 1) } }],
      [one, pressures([2], { unit: "kPa" })],
      [one, pressures([2], { scale: 1 })],
      [one, pressures([2], {}, { scale: 1 })],
      [one, pressures([2], { coding: { ...systolic, system: "other" } })],
      [one, pressures([2], { coding: { ...systolic, code: "8478-0" } })],
      [one, pressures([2], { coding: { ...systolic, display: "Systolic pressure" } })],
    ] as const) {
      expect(sameFormat(a, b)).toBe(false);
      expect(sameFormat(b, a)).toBe(false);
    }
  });
});

describe("joined blocks", () => {
  test("are the samples of all of them, in a row, of whatever kind", () => {
    const codes = [
      { system: "s", code: "light" },
      { system: "s", code: "deep" },
    ];
    for (const parts of [
      [block([1, 2], 1), block([3], 2), block([], 3), block([4, 5], 4)],
      [stages([1, 2], codes, [0, 1]), stages([3], codes.slice(1), [0]), stages([4], codes, [0])],
      [pressures([1, 2]), pressures([3]), pressures([4])],
    ]) {
      const joined = concatColumns(parts);
      checkColumns(joined);
      expect(samples([joined])).toEqual(samples(parts));
    }
  });

  test("that are one block are that one", () => {
    const only = block([1], 1);
    expect(concatColumns([only])).toBe(only);
  });

  test("name each concept once, and keep apart what is displayed differently", () => {
    const light = { system: "s", code: "light" };
    const named = { system: "s", code: "light", display: "Light" };
    const elsewhere = { system: "t", code: "light" };
    const deep = { system: "s", code: "deep" };
    const joined = concatColumns([
      stages([1, 2], [light, named], [1, 0]),
      stages([3, 4, 5, 6], [deep, elsewhere, named, light], [3, 2, 1, 0]),
    ]);
    expect(joined.values).toEqual({
      kind: "coded",
      dictionary: [light, named, deep, elsewhere],
      indexes: Uint32Array.of(1, 0, 0, 1, 3, 2),
    });
  });

  test("name at most as many concepts as a block may", () => {
    const codes = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({ system: "s", code: `c${from + i}` }));
    const most = BLOCK_LIMITS.dictionary;
    const full = stages([1], codes(0, most - 1), [0]);
    const joined = concatColumns([full, stages([2], codes(most - 2, 2), [1])]);
    expect((joined.values as { dictionary: readonly Coding[] }).dictionary).toHaveLength(most);
    expect(() => concatColumns([full, stages([2], codes(most - 1, 2), [1])])).toThrow(
      expect.objectContaining({ code: "too_large", field: "values.dictionary" }),
    );
  });

  test("have the durations of those that have samples", () => {
    const minute = { ...block([1], 1), durationMs: 60 };
    const none = { ...block([], 1), durationMs: 5 };
    expect(concatColumns([none, minute]).durationMs).toBe(60);
    expect(concatColumns([none, { ...none, durationMs: 7 }]).durationMs).toBe(5);
    expect(concatColumns([minute, { ...block([2], 1), durationMs: 7 }]).durationMs).toEqual(
      Uint32Array.of(60, 7),
    );
    const each = { ...block([1, 2], 1), durationMs: Uint32Array.of(3, 4) };
    expect(concatColumns([each, { ...block([5], 1), durationMs: 7 }]).durationMs).toEqual(
      Uint32Array.of(3, 4, 7),
    );
    const same = Uint32Array.of(3, 4);
    expect(
      concatColumns([each, { ...block([5, 6], 1), durationMs: same }, { ...block([9], 1), durationMs: 1 }])
        .durationMs,
    ).toEqual(Uint32Array.of(3, 4, 3, 4, 1));
    expect(pickColumns({ ...each, durationMs: 60 }, Uint32Array.of(1)).durationMs).toBe(60);
    expect(pickColumns(each, new Uint32Array(0)).durationMs).toBe(0);
  });

  test("that cannot be one say which of them is to blame", () => {
    const [first, second] = [block([1, 2], 1), block([3, 4], 1)];
    expect(() => concatColumns([first, block([], 1), block([2], 1)])).toThrow(
      expect.objectContaining({ code: "times_not_ascending", field: "parts", index: 2 }),
    );
    expect(() => concatColumns([first, second, block([5], 1, 1)])).toThrow(
      expect.objectContaining({ code: "format_mismatch", field: "parts", index: 2 }),
    );
    expect(() => appendColumns([])).toThrow(expect.objectContaining({ code: "length_mismatch" }));
    // Whatever the order of times, where the caller asks for that.
    expect([...appendColumns([second, first]).times]).toEqual([3, 4, 1, 2]);
  });
});
