/** What test/data/fitbit/ATTRIBUTION.md says of the files. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readFitbit } from "./fitbit.ts";

const attribution = readFileSync(
  new URL("../../../test/data/fitbit/ATTRIBUTION.md", import.meta.url),
  "utf8",
);
const minuteMs = 60_000;

test("a minute is the mean of its samples; the filled minutes are those that the attribution names", () => {
  const seconds = readFitbit("heartrate-seconds-2022484408", "/min");
  const minutes = readFitbit("minute-heart-rate-2022484408", "/min");
  const samples = Map.groupBy(seconds.times.keys(), (row) => Math.floor(seconds.times[row]! / minuteMs));
  const last = seconds.times.at(-1)!;
  // The samples end within the last minute.
  const covered = [...minutes.times.keys()].filter((row) => minutes.times[row]! < last - minuteMs);
  const meanOf = (row: number): number | undefined => {
    const rows = samples.get(minutes.times[row]! / minuteMs);
    return rows && rows.reduce((sum, one) => sum + valueAt(seconds, one), 0) / rows.length;
  };
  const filled = covered.filter((row) => meanOf(row) === undefined);
  expect(filled.map((row) => new Date(minutes.times[row]!).toISOString().slice(0, 16))).toEqual([
    "2016-04-02T12:41",
    "2016-04-02T12:42",
    "2016-04-02T12:43",
  ]);
  expect(attribution).toContain("2016-04-02 from 12:41 to 12:43");
  const measured = covered.filter((row) => !filled.includes(row));
  expect(measured).toHaveLength(655);
  for (const row of measured) expect(Math.abs(valueAt(minutes, row) - meanOf(row)!)).toBeLessThanOrEqual(0.5);
});

test.each(["2022484408", "8877689391"])("steps of %s are in the minutes of the heart rates", (person) => {
  const rates = readFitbit(`minute-heart-rate-${person}`, "/min");
  const steps = readFitbit(`minute-steps-${person}`, "{#}");
  expect(steps.times).toEqual(rates.times);
  expect(attribution).toContain(rates.times.length.toLocaleString("en"));
});

function valueAt({ values }: ReturnType<typeof readFitbit>, row: number): number {
  if (values.kind !== "decimal") throw new TypeError("not decimals");
  return values.mantissas[row]!;
}
