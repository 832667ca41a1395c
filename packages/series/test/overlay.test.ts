import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BLOCK_LIMITS,
  type Columns,
  type CommittedBlock,
  checkColumns,
  concatColumns,
  overlay,
  sameFormat,
  sliceColumns,
} from "../src/index.ts";
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
  const format = [unit, offsetMinutes, durationMs];
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

/** The overlap rule word for word, one sample at a time. */
function naive(blocks: readonly CommittedBlock[]): string[] {
  const winners = new Map<number, { sequence: number; text: string }>();
  for (const { columns: part, sequence: committed } of blocks) {
    [...part.times].forEach((time, i) => {
      const held = winners.get(time);
      const sequence = typeof committed === "number" ? committed : committed[i]!;
      if (held === undefined || sequence >= held.sequence) {
        winners.set(time, { sequence, text: `${time} ${describeValue(part, i)}` });
      }
    });
  }
  return [...winners].sort((a, b) => a[0] - b[0]).map(([, winner]) => winner.text);
}

const crowded: fc.Arbitrary<CommittedBlock> = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 30 }),
    fc.nat(5),
    fc.integer({ min: 0, max: 1 }),
    fc.oneof(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 30, maxLength: 30 }),
    ),
  )
  .map(([times, value, scale, sequence]) => ({
    columns: block(
      times.sort((a, b) => a - b),
      value,
      scale,
    ),
    sequence: typeof sequence === "number" ? sequence : Float64Array.from(sequence.slice(0, times.length)),
  }));

describe("overlay", () => {
  test("equals the rule applied one sample at a time", () => {
    fc.assert(
      fc.property(fc.array(crowded, { maxLength: 8 }), (blocks) => {
        const result = overlay(blocks);
        expect(samples(result)).toEqual(naive(blocks));
        for (const part of result) checkColumns(part);
      }),
      { numRuns: 1_000 },
    );
  });

  test("also for blocks of any kind and format", () => {
    fc.assert(
      fc.property(
        fc.array(columns, { maxLength: 4 }),
        fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }),
        (all, seq) => {
          const blocks = all.map((part, i) => ({ columns: part, sequence: seq[i]! }));
          expect(samples(overlay(blocks))).toEqual(naive(blocks));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("leaves no two neighbours of one format", () => {
    fc.assert(
      fc.property(fc.array(crowded, { maxLength: 6 }), (blocks) => {
        const result = overlay(blocks);
        for (let i = 1; i < result.length; i++) expect(sameFormat(result[i - 1]!, result[i]!)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test("a corrected hour inside a day replaces just that hour", () => {
    const day = { columns: block([0, 10, 20, 30, 40], 1), sequence: 1 };
    const hour = { columns: block([15, 20, 25], 2), sequence: 2 };
    const [result] = overlay([hour, day]);
    expect([...result!.times]).toEqual([0, 10, 15, 20, 25, 30, 40]);
    expect(result!.values).toMatchObject({
      mantissas: Float64Array.of(1_000, 1_010, 2_015, 2_020, 2_025, 1_030, 1_040),
    });
  });

  test("a lone block is passed on without a copy", () => {
    const only = block([1, 2, 3], 1);
    expect(overlay([{ columns: only, sequence: 9 }])[0]).toBe(only);
  });

  test("cuts what it joins at the limit of a block", () => {
    const half = Math.ceil(BLOCK_LIMITS.values / 2) + 1;
    const range = (from: number) =>
      block(
        Array.from({ length: half }, (_, i) => from + i),
        1,
      );
    const result = overlay([
      { columns: range(0), sequence: 1 },
      { columns: range(half), sequence: 2 },
    ]);
    expect(result.map((part) => part.times.length)).toEqual([half, half]);
  });

  test("keeps merged dictionaries within the limit of a block", () => {
    const coded = (time: number): Columns => ({
      times: Float64Array.of(time),
      offsetMinutes: 0,
      durationMs: 0,
      unit: "",
      values: {
        kind: "coded",
        dictionary: Array.from({ length: 600 }, (_, i) => ({ system: "s", code: `${time}-${i}` })),
        indexes: Uint32Array.of(599),
      },
    });
    const result = overlay([1, 2, 3].map((time) => ({ columns: coded(time), sequence: time })));
    for (const part of result) checkColumns(part);
    expect(samples(result)).toEqual(samples([coded(1), coded(2), coded(3)]));
  });

  test("stays near linear for a month that is sent again and again", () => {
    const count = 40_000;
    const month = (shift: number) =>
      block(
        Array.from({ length: count }, (_, i) => i * 2 + shift),
        1,
      );
    const blocks = Array.from({ length: 8 }, (_, i) => ({ columns: month(i % 2), sequence: i }));
    const started = performance.now();
    expect(overlay(blocks)[0]!.times.length).toBe(count * 2);
    // 320,000 samples, interleaved at every step: well under a second; a quadratic merge takes minutes.
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe("sliceColumns and concatColumns", () => {
  test("a slice holds the samples that start in the half-open range", () => {
    fc.assert(
      fc.property(
        crowded,
        fc.integer({ min: -5, max: 65 }),
        fc.integer({ min: -5, max: 65 }),
        ({ columns: all }, from, to) => {
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
    for (const other of [
      block([3, 4], 1, 1),
      { ...late, unit: "Hz" },
      { ...late, offsetMinutes: 60 },
      { ...late, durationMs: 1 },
    ]) {
      expect(() => concatColumns([early, other])).toThrow(
        expect.objectContaining({ code: "format_mismatch" }),
      );
    }
  });
});
