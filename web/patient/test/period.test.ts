import { describe, expect, test } from "vitest";
import { marksOf, periodAt, shifted } from "../app/data/period.ts";

const zone = "Europe/Berlin";
const at = (text: string) => Date.parse(text);
const hours = ({ start, end }: { readonly start: number; readonly end: number }) => (end - start) / 3_600_000;

describe("a period of the patient's calendar", () => {
  test("is a day of 23 or 25 hours where the clocks change", () => {
    expect(hours(periodAt("day", at("2026-03-29T12:00:00Z"), zone))).toBe(23);
    expect(hours(periodAt("day", at("2026-10-25T12:00:00Z"), zone))).toBe(25);
  });

  test("is the day there, not of UTC", () => {
    const { start } = periodAt("day", at("2026-11-26T23:30:00Z"), zone);
    expect(new Date(start).toISOString()).toBe("2026-11-26T23:00:00.000Z");
  });

  test("begins on Monday, on the first, on New Year's Day", () => {
    const begins = (["week", "month", "year"] as const).map((kind) => {
      const { start } = periodAt(kind, at("2026-11-27T12:00:00Z"), "UTC");
      return new Date(start).toISOString().slice(0, 10);
    });
    expect(begins).toEqual(["2026-11-23", "2026-11-01", "2026-01-01"]);
  });

  test("is followed by the next one without a gap", () => {
    for (const kind of ["day", "week", "month", "year"] as const) {
      const period = periodAt(kind, at("2026-10-25T12:00:00Z"), zone);
      expect(shifted(period, 1, zone).start).toBe(period.end);
      expect(shifted(period, -1, zone).end).toBe(period.start);
    }
  });

  test("has marks within it, in their order", () => {
    for (const kind of ["day", "week", "month", "year"] as const) {
      const period = periodAt(kind, at("2026-03-29T12:00:00Z"), zone);
      const marks = marksOf(period, zone);
      expect(marks.length).toBeGreaterThan(3);
      expect([...marks].sort((a, b) => a - b)).toEqual(marks);
      expect(marks.every((mark) => mark >= period.start && mark <= period.end)).toBe(true);
    }
  });
});
