import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTimeZone, offsetChanges, resolveLocalTime } from "../src/time-zone.ts";

const at = (text: string, offsetMinutes: number) => ({ timeMs: Date.parse(text), offsetMinutes });

describe("a local time", () => {
  it.each([
    ["Europe/Berlin", "2016-01-12T08:00:00", at("2016-01-12T07:00:00Z", 60)],
    ["Europe/Berlin", "2016-07-12T08:00:00.5", at("2016-07-12T06:00:00.500Z", 120)],
    ["America/New_York", "2016-07-12T08:00:00.123", at("2016-07-12T12:00:00.123Z", -240)],
    ["Asia/Kathmandu", "2016-07-12T08:00:00", at("2016-07-12T02:15:00Z", 345)],
    ["UTC", "2016-02-29T23:59:59", at("2016-02-29T23:59:59Z", 0)],
    ["Asia/Calcutta", "2016-07-12T08:00:00", at("2016-07-12T02:30:00Z", 330)],
    // 5:30 until the end of 1985.
    ["Asia/Kathmandu", "1985-12-31T23:59:59", at("1985-12-31T18:29:59Z", 330)],
    // 44 minutes and 30 seconds behind: to the nearest minute; the instant is exact.
    ["Africa/Monrovia", "1960-01-01T00:00:00", at("1960-01-01T00:44:30Z", -44)],
  ])("in %s at %s", (zone, text, expected) => {
    expect(resolveLocalTime(text, zone)).toEqual(expected);
  });

  it.each([
    ["Europe/Berlin", "2024-03-31T02:00:00"],
    ["Europe/Berlin", "2024-03-31T02:59:59.999"],
    ["America/New_York", "2024-03-10T02:30:00"],
    // Nepal went from 5:30 to 5:45 at the beginning of 1986.
    ["Asia/Kathmandu", "1986-01-01T00:14:59"],
    // Samoa left out a day.
    ["Pacific/Apia", "2011-12-30T12:00:00"],
  ])("that the clocks of %s skipped is none: %s", (zone, text) => {
    expect(resolveLocalTime(text, zone)).toBe("skipped");
  });

  it.each([
    ["Europe/Berlin", "2024-03-31T01:59:59", at("2024-03-31T00:59:59Z", 60)],
    ["Europe/Berlin", "2024-03-31T03:00:00", at("2024-03-31T01:00:00Z", 120)],
    ["Asia/Kathmandu", "1986-01-01T00:15:00", at("1985-12-31T18:30:00Z", 345)],
  ])("beside a gap of %s is what it says: %s", (zone, text, expected) => {
    expect(resolveLocalTime(text, zone)).toEqual(expected);
  });

  it.each([
    ["Europe/Berlin", "2024-10-27T02:30:00", at("2024-10-27T02:30:00+02:00", 120)],
    ["America/New_York", "2024-11-03T01:30:00", at("2024-11-03T01:30:00-04:00", -240)],
  ])("that the clocks of %s repeat is the earlier one: %s", (zone, text, expected) => {
    expect(resolveLocalTime(text, zone)).toEqual(expected);
  });

  it.each([
    "2016-02-30T00:00:00",
    "2015-02-29T00:00:00",
    "2016-13-01T00:00:00",
    "2016-00-10T00:00:00",
    "2016-06-01T24:00:00",
    "2016-06-01T23:59:60",
    "2016-06-01T23:60:00",
    "2016-06-01",
    "2016-06-01T00:00:00Z",
    "",
  ])("that no calendar has is invalid: %j", (text) => {
    expect(resolveLocalTime(text, "Europe/Berlin")).toBe("invalid");
  });

  it("is what a clock in the zone shows at the instant that it resolves to", () => {
    const zones = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu"];
    const time = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2030, 0, 1) });
    fc.assert(
      fc.property(fc.constantFrom(...zones), time, (zone, ms) => {
        const text = new Date(ms).toISOString().replace("Z", "");
        const resolved = resolveLocalTime(text, zone);
        fc.pre(typeof resolved !== "string");
        const shown = new Intl.DateTimeFormat("sv-SE", {
          timeZone: zone,
          dateStyle: "short",
          timeStyle: "medium",
        }).format(resolved.timeMs);
        expect(shown.replace(" ", "T")).toBe(text.slice(0, 19));
      }),
      { numRuns: 200 },
    );
  });
});

describe("a change of offset", () => {
  it("is told between the instant before it and its own", () => {
    const change = Date.parse("2024-03-31T01:00:00Z");
    expect(offsetChanges("Europe/Berlin", change - 2, change - 1)).toBe(false);
    expect(offsetChanges("Europe/Berlin", change - 1, change)).toBe(true);
    expect(offsetChanges("Europe/Berlin", change, change + 86_400_000)).toBe(false);
  });

  it("is told also where the clocks were put back again before the end", () => {
    // Ramadan of 2024 in Morocco.
    const from = Date.parse("2024-03-01T00:00:00Z");
    expect(offsetChanges("Africa/Casablanca", from, Date.parse("2024-05-01T00:00:00Z"))).toBe(true);
  });

  it("never comes in UTC", () => {
    expect(offsetChanges("UTC", 0, Date.UTC(2030, 0, 1))).toBe(false);
  });
});

it("knows every zone that this Node knows, linked names and any case, and no offsets", () => {
  expect([...Intl.supportedValuesOf("timeZone"), "UTC", "Etc/GMT+5", "europe/BERLIN"].every(isTimeZone)).toBe(
    true,
  );
  expect(["+01:00", "", "T10:00Z", "Europe", "constructor"].filter(isTimeZone)).toEqual([]);
});
