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

  test("the published seconds are read whole, in the form that they have", async () => {
    const file = fileURLToPath(
      new URL("../../test/data/fitbit/heartrate-seconds-2022484408.csv", import.meta.url),
    );
    await expect(Array.fromAsync(readRows(file, { timeZone: "UTC" }))).rejects.toThrow(/--time-format/);
    const format = { timeZone: "UTC", timeFormat: "M/d/yyyy h:mm:ss a" };
    const all = await Array.fromAsync(readRows(file, format));
    expect(all).toHaveLength(8_418);
    expect(all[0]).toEqual({
      timeMs: Date.parse("2016-04-01T07:54:00Z"),
      offsetMinutes: 0,
      mantissa: 93,
      scale: 0,
    });
    expect(all.at(-1)!.timeMs).toBe(Date.parse("2016-04-03T09:23:35Z"));
  });

  test.each([
    ["M/d/yyyy h:mm:ss a", "4/1/2016 12:00:05 AM", "2016-04-01T00:00:05.000Z"],
    ["M/d/yyyy h:mm:ss a", "12/31/2016 12:59:59 PM", "2016-12-31T12:59:59.000Z"],
    ["dd.MM.yyyy HH:mm", "01.04.2016 23:05", "2016-04-01T23:05:00.000Z"],
    ["yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2016-04-01T23:05:01.250+02:00", "2016-04-01T21:05:01.250Z"],
    ["epoch-seconds", "1460448000.5", "2016-04-12T08:00:00.500Z"],
    ["epoch-milliseconds", "1460448000250", "2016-04-12T08:00:00.250Z"],
  ])("%s reads %s", async (timeFormat, text, instant) => {
    const [row] = await rows(`time,value\n"${text}",1\n`, { timeFormat, timeZone: "UTC" });
    expect(new Date(row!.timeMs).toISOString()).toBe(instant);
  });

  test.each([
    ["M/d/yyyy h:mm:ss a", "13/1/2016 1:00:00 AM", /does not exist/],
    ["M/d/yyyy h:mm:ss a", "4/1/2016 13:00:00 AM", /does not exist/],
    ["M/d/yyyy h:mm:ss a", "4/1/2016 1:00:00", /not of the form/],
    ["dd.MM.yyyy HH:mm", "31.02.2016 10:00", /does not exist/],
    ["iso", "2016-02-31T10:00:00Z", /does not exist/],
    ["iso", "2016-02-31T10:00:00", /does not exist/],
    ["iso", "1460448000", /epoch-seconds/],
    ["epoch-seconds", "1e9", /use a number/],
  ])("%s refuses %s", async (timeFormat, text, message) => {
    await expect(rows(`time,value\n"${text}",1\n`, { timeFormat, timeZone: "UTC" })).rejects.toThrow(message);
  });

  test.each([
    [",", {}],
    [";", {}],
    ["\t", {}],
    ["|", { delimiter: "|" }],
  ])("columns with %j between", async (delimiter, options) => {
    const content = [
      ["Id", "time", "value"],
      ["1", "2026-01-01T00:00:00Z", "98.6"],
    ];
    const read = await rows(content.map((row) => row.join(delimiter)).join("\n"), options);
    expect(read).toMatchObject([{ mantissa: 986, scale: 1 }]);
  });

  test("a first line with several delimiters is not guessed at", async () => {
    await expect(rows("time;value,unit\n1;2,3\n")).rejects.toThrow(/--delimiter/);
  });

  test("a missing file is named", async () => {
    await expect(Array.fromAsync(readRows("/no/such/file.csv", {}))).rejects.toThrow(/\/no\/such\/file.csv/);
  });
});
