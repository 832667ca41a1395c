import { isTimeZone } from "@wellapi/normalize/time-zone";
import { expect, test } from "vitest";
import { tellEndingAt } from "../src/consent-ending.ts";
import { localTime } from "../src/patient-clock.ts";
import { quietUntil, tells, usualPreferences } from "../src/preferences.ts";
import { isKnownEndpoint } from "../src/push-subscription.ts";

const at = (text: string) => Date.parse(text);
const night = { start: 22 * 60, end: 7 * 60 };
const until = (text: string, zone = "Europe/Berlin") => {
  const time = quietUntil(night, zone, at(text));
  return time === undefined ? undefined : new Date(time).toISOString();
};

test("quiet hours over midnight hold by the patient's clock, and end at its hour", () => {
  expect(until("2026-03-20T20:59:59Z")).toBeUndefined();
  expect(until("2026-03-20T21:00:00Z")).toBe("2026-03-21T06:00:00.000Z");
  expect(until("2026-03-21T05:59:30Z")).toBe("2026-03-21T06:00:00.000Z");
  expect(until("2026-03-21T06:00:00Z")).toBeUndefined();
  expect(until("2026-03-20T21:00:00Z", "America/New_York")).toBeUndefined();
});

test("quiet hours within a day hold within it", () => {
  const noon = { start: 12 * 60, end: 13 * 60 };
  expect(quietUntil(noon, "UTC", at("2026-03-20T12:30:10Z"))).toBe(at("2026-03-20T13:00:00Z"));
  expect(quietUntil(noon, "UTC", at("2026-03-20T13:00:00Z"))).toBeUndefined();
  expect(quietUntil(undefined, "UTC", at("2026-03-20T12:30:00Z"))).toBeUndefined();
});

test("asked again at what it said, it ends: also where the clocks change in the night", () => {
  // Spring forward on 29 March, back on 25 October 2026.
  for (const begin of ["2026-03-28T22:00:00Z", "2026-10-24T21:00:00Z"]) {
    let now = at(begin);
    for (let asked = 0; ; asked += 1) {
      const next = quietUntil(night, "Europe/Berlin", now);
      if (next === undefined) break;
      expect(next).toBeGreaterThan(now);
      expect(asked).toBeLessThan(3);
      now = next;
    }
    expect(localTime(now, "Europe/Berlin").minute).toBeGreaterThanOrEqual(7 * 60);
    expect(localTime(now, "Europe/Berlin").minute).toBeLessThanOrEqual(8 * 60);
  }
});

test("a zone is a name of IANA's, and none that the runtime does not know", () => {
  expect(["Europe/Berlin", "UTC", "Asia/Calcutta"].every(isTimeZone)).toBe(true);
  expect(["+01:00", "Mars/Olympus", ""].some(isTimeZone)).toBe(false);
  expect(localTime(at("2026-03-20T12:00:00Z"), "Mars/Olympus")).toEqual({ day: "2026-03-20", minute: 720 });
});

test("emergency access is told whatever is muted, and its mail is identity's", () => {
  const silent = { email: { enabled: false, muted: [] }, push: { enabled: false, muted: [] } };
  expect(tells(silent, "push", "emergency_access")).toBe(true);
  expect(tells(silent, "email", "emergency_access")).toBe(false);
  expect(tells(silent, "push", "first_access")).toBe(false);
  expect(tells(usualPreferences, "email", "consent_granted")).toBe(true);
  expect(tells(usualPreferences, "email", "consent_revoked")).toBe(false);
});

test("the end of a consent is told a week before, a day before, or not, as long as it holds", () => {
  const DAY = 86_400_000;
  expect(tellEndingAt({ createTime: 0, endTime: 30 * DAY })).toBe(23 * DAY);
  expect(tellEndingAt({ createTime: 0, endTime: 13 * DAY })).toBe(12 * DAY);
  expect(tellEndingAt({ createTime: 0, endTime: 2 * DAY })).toBeUndefined();
});

test("only the push services that are known are called", () => {
  const hosts = ["fcm.googleapis.com", "*.notify.windows.com", "localhost:8443"];
  const known = (endpoint: string) => isKnownEndpoint(endpoint, hosts);
  expect(known("https://fcm.googleapis.com/fcm/send/x")).toBe(true);
  expect(known("https://db5.notify.windows.com/w/?token=x")).toBe(true);
  expect(known("https://localhost:8443/x")).toBe(true);
  for (const endpoint of [
    "http://fcm.googleapis.com/x",
    "https://fcm.googleapis.com:8443/x",
    "https://fcm.googleapis.com@evil.example/x",
    "https://user@fcm.googleapis.com/x",
    "https://evilnotify.windows.com/x",
    "https://notify.windows.com/x",
    "https://fcm.googleapis.com.evil.example/x",
    "https://169.254.169.254/latest",
    "https://localhost/x",
    "nonsense",
  ]) {
    expect([endpoint, known(endpoint)]).toEqual([endpoint, false]);
  }
});
