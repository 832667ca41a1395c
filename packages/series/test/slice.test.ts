import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Columns, checkColumns, concatColumns, pickColumns, sliceColumns } from "../src/index.ts";
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
