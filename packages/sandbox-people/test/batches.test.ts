import { toBinary } from "@bufbuild/protobuf";
import { SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import fc from "fast-check";
import { expect, test } from "vitest";
import { batchOf, samplesIn, windowsOf } from "../src/filling/index.ts";
import { createPerson, personNames } from "../src/index.ts";

const day = 86_400_000;
const now = Date.parse("2026-04-15T13:37:21.123Z");
const lastWeeks = (days: number, toMs = now) => [...windowsOf({ fromMs: toMs - days * day, toMs })];
const idsOf = (days: number, toMs = now) =>
  lastWeeks(days, toMs).map((window) => batchOf(createPerson("runner", 1), "pat_1", window)?.requestId);

test("windows follow each other without a gap, none longer than a week, whatever the range", () => {
  const instant = fc.integer({ min: 0, max: 4_000_000_000_000 });
  const property = fc.property(instant, fc.integer({ min: 0, max: 400 * day }), (fromMs, length) => {
    const windows = [...windowsOf({ fromMs, toMs: fromMs + length })];
    const ends = windows.map(({ toMs }) => toMs);
    expect(windows.map((window) => window.fromMs)).toEqual(
      length === 0 ? [] : [fromMs, ...ends.slice(0, -1)],
    );
    expect(ends.at(-1)).toBe(length === 0 ? undefined : fromMs + length);
    for (const window of windows) expect(window.toMs - window.fromMs).toBeLessThanOrEqual(7 * day);
  });
  fc.assert(property);
});

test("what is sent again later is mostly the same batches: only the ends differ", () => {
  const [first, later] = [idsOf(16), idsOf(16, now + 3 * 3_600_000)];
  expect(later.slice(1, -1)).toEqual(first.slice(1, -1));
  expect(later.at(-1)).not.toBe(first.at(-1));
  expect(new Set(first).size).toBe(first.length);
});

test("a week of each of the people is one batch, far below its limits, with every reading in it", () => {
  const [, week] = lastWeeks(30);
  for (const name of personNames) {
    const person = createPerson(name, 1);
    const batch = batchOf(person, "pat_1", week!)!;
    expect(batch.series.length).toBeLessThan(32);
    expect(toBinary(SeriesBatchSchema, batch).length).toBeLessThan(200_000);
    const samples = batch.series.map((_, item) => samplesIn(batch, item));
    const readings = person.series.map((one) => [...one.readings(week!.fromMs, week!.toMs)].length);
    expect(sum(samples)).toBe(sum(readings));
  }
});

function sum(counts: readonly number[]): number {
  return counts.reduce((all, one) => all + one, 0);
}
