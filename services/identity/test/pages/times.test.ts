import { expect, test } from "vitest";
import { timeText, zoneOf } from "../../src/pages/times.ts";

const summer = Date.UTC(2026, 6, 1, 22, 30);

test.each([
  ["en", "Europe/Berlin", "2 Jul 2026, 00:30 CEST"],
  ["de", "Europe/Berlin", "02.07.2026, 00:30 MESZ"],
  ["en", "America/New_York", "1 Jul 2026, 18:30 GMT-4"],
  ["de", "UTC", "01.07.2026, 22:30 UTC"],
] as const)("a time is written as in %s, in %s", (language, zone, said) => {
  expect(timeText({ language, zone }, summer)).toBe(said);
});

test.each([
  ["Europe/Berlin", "Europe/Berlin"],
  ["europe/BERLIN", "Europe/Berlin"],
  ["Etc/GMT+5", "Etc/GMT+5"],
  ["UTC", "UTC"],
  [undefined, "UTC"],
  ["", "UTC"],
  ["+02:00", "UTC"],
  ["Europe/Atlantis", "UTC"],
  ["<script>", "UTC"],
  [`Europe/${"x".repeat(200)}`, "UTC"],
])("what a browser calls its zone, %s, is %s", (said, zone) => {
  expect(zoneOf(said)).toBe(zone);
});
