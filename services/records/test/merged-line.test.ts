import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Run } from "../src/blocks/winners.ts";
import { createMergedLine } from "../src/read/merged-line.ts";

const MINUTE = 60_000;

/** Samples at these minutes and fractions of them. */
function runAt(device: string, minutes: readonly number[]): Run {
  return {
    source: { organization: "org_1", application: "app_1", device, model: "", method: 0, granularity: 1 },
    sequence: 1,
    columns: {
      times: Float64Array.from(minutes, (minute) => minute * MINUTE),
      durationMs: 0,
      offsetMinutes: 0,
      unit: "/min",
      values: { kind: "decimal", scale: 0, mantissas: Float64Array.from(minutes, (_, at) => at) },
    },
  };
}

/** Reads all pages, as a caller of the line does; gives minutes with the device, and the most that a page had. */
function pagesOf(series: readonly (readonly number[])[], most: number, mostLosses: number) {
  const told: [number, string][] = [];
  let pages = 0;
  for (let from = 0; from < 100 * MINUTE; pages++) {
    const line = createMergedLine(most, 100 * MINUTE, mostLosses);
    for (const [choice, minutes] of series.entries()) {
      const left = minutes.filter((minute) => minute * MINUTE >= from && minute * MINUTE < line.end);
      if (left.length > 0) line.add(choice, runAt(String(choice), left));
      line.settle();
    }
    for (const { columns, source } of line.stretches()) {
      for (const time of columns.times) told.push([time / MINUTE, source.device]);
    }
    from = line.end;
  }
  return { told, pages };
}

const minutes = fc.uniqueArray(fc.nat(99), { maxLength: 40 }).map((all) => all.sort((a, b) => a - b));

describe("a page of a merged line", () => {
  it("ends earlier where more was passed over than may be held, and the next goes on there: nothing is lost", () => {
    fc.assert(
      fc.property(
        fc.array(minutes, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 30 }),
        (series, most) => {
          const expected = [...new Set(series.flat())]
            .sort((a, b) => a - b)
            .map((minute) => [minute, String(series.findIndex((one) => one.includes(minute)))]);
          expect(pagesOf(series, 1_000, most).told).toEqual(expected);
        },
      ),
    );
    const three = Array.from({ length: 3 }, () => Array.from({ length: 60 }, (_, at) => at));
    expect(pagesOf(three, 1_000, 100_000).pages).toBe(1);
    expect(pagesOf(three, 1_000, 20).pages).toBeGreaterThan(1);
  });

  it("shows by one sample more that a page is full, and never holds the rest", () => {
    const line = createMergedLine(3, 100 * MINUTE);
    const all = Array.from({ length: 90 }, (_, at) => at);
    expect(line.add(0, runAt("a", all))).toBe(false);
    line.settle();
    expect(line.end).toBe(4 * MINUTE);
    expect(line.stretches().map(({ columns }) => [...columns.times])).toEqual([
      [0, 1, 2, 3].map((at) => at * MINUTE),
    ]);
  });
});
