import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, it } from "vitest";
import { type BucketUnit, bucketEdges, type ZonePeriod } from "../src/model/calendar.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

/** What bucket an instant is in, looked up for that instant alone. */
function keyOf(zones: readonly ZonePeriod[], unit: BucketUnit, time: number): string {
  const zone = zones.findLast(({ from }) => from <= time)!.zone;
  const local = Temporal.Instant.fromEpochMilliseconds(time).toZonedDateTimeISO(zone);
  switch (unit) {
    case "minute":
      return `${local.toString({ smallestUnit: "minute", timeZoneName: "never" })}`;
    case "hour":
      return `${local.toPlainDate()} ${local.hour} ${local.offsetNanoseconds}`;
    case "day":
      return local.toPlainDate().toString();
    case "week":
      return `${local.yearOfWeek} ${local.weekOfYear}`;
    case "month":
      return local.toPlainDate().toPlainYearMonth().toString();
  }
}

const zoneNames = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe", // half an hour of summer time
  "Asia/Kathmandu", // +05:45
  "Pacific/Apia", // skipped 30 December 2011
  "America/Sao_Paulo", // changed at midnight
  "Africa/Casablanca",
];

const instants = fc
  .integer({ min: Date.UTC(2009, 0, 1) / MINUTE, max: Date.UTC(2020, 0, 1) / MINUTE })
  .map((minutes) => minutes * MINUTE);

const histories = fc
  .tuple(
    fc.constantFrom(...zoneNames),
    fc.uniqueArray(fc.tuple(instants, fc.constantFrom(...zoneNames)), {
      maxLength: 3,
      selector: ([from]) => from,
    }),
  )
  .map(([first, later]): ZonePeriod[] => [
    { from: Number.NEGATIVE_INFINITY, zone: first },
    ...later.sort((a, b) => a[0] - b[0]).map(([from, zone]) => ({ from, zone })),
  ]);

describe("bucketEdges", () => {
  it.each([
    ["minute", 90 * MINUTE],
    ["hour", 4 * DAY],
    ["day", 60 * DAY],
    ["week", 200 * DAY],
    ["month", 800 * DAY],
  ] as const)("parts time where the naive model's %s changes", (unit, span) => {
    const property = fc.property(
      histories,
      instants,
      fc.nat(span),
      fc.infiniteStream(fc.nat()),
      (zones, from, length, picks) => {
        const interval = { from, to: from + length + MINUTE };
        const edges = bucketEdges(zones, unit, interval, 100_000)!;
        expect(edges[0]!).toBeLessThanOrEqual(interval.from);
        expect(edges.at(-1)!).toBeGreaterThanOrEqual(interval.to);
        expect(edges.length < 3 || edges[1]! > interval.from).toBe(true);
        expect(edges.length < 3 || edges.at(-2)! < interval.to).toBe(true);
        const key = (time: number) => keyOf(zones, unit, time);
        const at = picks.next().value! % (edges.length - 1);
        const [start, end] = [edges[at]!, edges[at + 1]!];
        expect(start).toBeLessThan(end);
        const inside = start + (picks.next().value! % (end - start));
        expect(key(inside)).toBe(key(start));
        expect(key(end - 1)).toBe(key(start));
        expect(key(start - 1)).not.toBe(key(start));
        expect(key(end)).not.toBe(key(start));
      },
    );
    fc.assert(property, { numRuns: 60 });
  });

  it("says so instead of making more buckets than allowed", () => {
    const zones = [{ from: Number.NEGATIVE_INFINITY, zone: "UTC" }];
    expect(bucketEdges(zones, "minute", { from: 0, to: 10 * MINUTE }, 10)).toHaveLength(11);
    expect(bucketEdges(zones, "minute", { from: 0, to: 10 * MINUTE + 1 }, 10)).toBeUndefined();
  });
});
