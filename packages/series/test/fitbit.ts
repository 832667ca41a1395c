import { readFileSync } from "node:fs";
import type { Columns } from "../src/index.ts";

/** Reads one of the published Fitbit files (test/data/fitbit) as columns; times as UTC. */
export function readFitbit(name: string, unit: string): Columns {
  const path = new URL(`../../../test/data/fitbit/${name}.csv`, import.meta.url);
  const samples = new Map<number, number>();
  for (const line of readFileSync(path, "utf8").trim().split(/\r?\n/).slice(1)) {
    const [, time, value] = line.split(",");
    samples.set(Date.parse(time!.includes("T") ? `${time}Z` : `${time} UTC`), Number(value));
  }
  const sorted = [...samples].sort((a, b) => a[0] - b[0]);
  return {
    times: Float64Array.from(sorted, ([time]) => time),
    offsetMinutes: 0,
    durationMs: 60_000,
    unit,
    values: { kind: "decimal", scale: 0, mantissas: Float64Array.from(sorted, ([, value]) => value) },
  };
}
