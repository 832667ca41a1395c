import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type CsvOptions, readRows } from "../src/csv.ts";

const folder = mkdtempSync(join(tmpdir(), "wellapi-csv-"));

async function rows(content: string, options: CsvOptions = {}) {
  const file = join(folder, `${Math.random()}.csv`);
  writeFileSync(file, content);
  return Array.fromAsync(readRows(file, options));
}

describe("readRows", () => {
  test("reads the real month whole", async () => {
    const file = fileURLToPath(
      new URL("../../test/data/fitbit/minute-heart-rate-2022484408.csv", import.meta.url),
    );
    const all = await Array.fromAsync(readRows(file, { timeZone: "UTC" }));
    expect(all).toHaveLength(20_097);
    expect(all[0]).toEqual({
      timeMs: Date.parse("2016-04-02T09:49:00Z"),
      offsetMinutes: 0,
      mantissa: 75,
      scale: 0,
    });
  });

  test("keeps decimals exact: 98.60 stays 98.60", async () => {
    expect(await rows("time,value\n2026-01-01T00:00:00+02:00,98.60\n")).toEqual([
      { timeMs: Date.parse("2025-12-31T22:00:00Z"), offsetMinutes: 120, mantissa: 9860, scale: 2 },
    ]);
  });

  test("an hour that winter time repeats is read in order", async () => {
    const local = ["01:30", "02:30", "02:30", "03:30"].map((time) => `2025-10-26T${time}:00,1`).join("\n");
    const read = await rows(`time,value\n${local}\n`, { timeZone: "Europe/Berlin" });
    expect(read.map((row) => row.offsetMinutes)).toEqual([120, 120, 60, 60]);
    expect(read.map((row) => new Date(row.timeMs).toISOString().slice(11, 16))).toEqual([
      "23:30",
      "00:30",
      "01:30",
      "02:30",
    ]);
  });

  test.each([
    [
      "a time that does not exist",
      "time,value\n2026-03-29T02:30:00,1\n",
      { timeZone: "Europe/Berlin" },
      /line 2.*does not exist/,
    ],
    ["a time without a zone", "time,value\n2026-03-29T02:30:00,1\n", {}, /line 2.*--time-zone/],
    ["NaN", "time,value\n2026-03-29T02:30:00Z,NaN\n", {}, /line 2.*"NaN"/],
    ["infinity", "time,value\n2026-03-29T02:30:00Z,Infinity\n", {}, /line 2.*"Infinity"/],
    [
      "more digits than are exact",
      "time,value\n2026-03-29T02:30:00Z,9007199254740993\n",
      {},
      /line 2.*exact/,
    ],
    [
      "descending times",
      "time,value\n2026-03-29T02:30:00Z,1\n2026-03-29T02:29:00Z,1\n",
      {},
      /line 3.*ascend/,
    ],
    ["an unknown zone", "time,value\n2026-03-29T02:30:00,1\n", { timeZone: "Mars/Olympus" }, /Mars\/Olympus/],
    ["a missing column", "when,what\n1,2\n", {}, /--time-column/],
    [
      "a named column that is not there",
      "time,value\n1,2\n",
      { valueColumn: "bpm" },
      /no column bpm among time, value/,
    ],
  ])("%s is refused with the line and the remedy", async (_name, content, options, message) => {
    await expect(rows(content, options)).rejects.toThrow(message);
  });

  test("a missing file is named", async () => {
    await expect(Array.fromAsync(readRows("/no/such/file.csv", {}))).rejects.toThrow(/\/no\/such\/file.csv/);
  });
});
