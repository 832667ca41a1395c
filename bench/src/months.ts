import { readFileSync } from "node:fs";

/** A person's minutes of heart rate, as the Fitbit datasets of 2016 have them (test/data/fitbit). */
export interface Month {
  /** Milliseconds since the month's first sample, ascending. */
  readonly offsets: readonly number[];
  /** Beats a minute. */
  readonly values: readonly number[];
}

const files = ["minute-heart-rate-2022484408.csv", "minute-heart-rate-8877689391.csv"];

export function loadMonths(): readonly Month[] {
  return files.map((file) => {
    const path = new URL(`../../test/data/fitbit/${file}`, import.meta.url);
    const rows = readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => line.split(","));
    const times = rows.map(([, time]) => Date.parse(`${time}Z`));
    return {
      offsets: times.map((time) => time - times[0]!),
      values: rows.map(([, , value]) => Number(value)),
    };
  });
}
