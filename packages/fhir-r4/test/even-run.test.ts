import { describe, expect, test } from "vitest";
import { endOfEvenRun } from "../src/index.ts";

const midnight = Date.UTC(2026, 2, 1);
const minute = 60_000;

function ends(times: readonly number[], durations: readonly number[] = []): number[] {
  const samples = {
    count: times.length,
    msAt: (place: number) => midnight + times[place]! * minute,
    durationMsAt: (place: number) => (durations[place] ?? 0) * minute,
  };
  const found: number[] = [];
  for (let start = 0; start < times.length; start = found.at(-1)!) found.push(endOfEvenRun(samples, start));
  return found;
}

describe("samples that one Observation holds", () => {
  test.each([
    ["are alone without another one", [0], [1]],
    ["are three at least: two are no rhythm", [0, 1, 5, 11], [1, 2, 3, 4]],
    ["have the same time between them", [0, 1, 2, 3, 5, 7, 9], [4, 7]],
    ["begin with the first that fits the next", [0, 5, 6, 7], [1, 4]],
    ["are of one day of UTC", [1_437, 1_438, 1_439, 1_440, 1_441, 1_442], [3, 6]],
    ["are of one day of UTC, also before 1970", [-30_000_003, -30_000_002, -30_000_001], [3]],
    ["do not begin at the same time", [0, 0, 0], [1, 2, 3]],
  ])("%s", (_rule, times, expected) => {
    expect(ends(times)).toEqual(expected);
  });

  test.each([
    ["join", [1, 1, 1], [3]],
    ["overlap", [2, 2, 2], [1, 2, 3]],
    ["leave gaps", [0.5, 0.5, 0.5], [1, 2, 3]],
    ["are of several lengths", [1, 1, 1, 0.5], [3, 4]],
  ])("are intervals only if these join: %s", (_case, durations, expected) => {
    expect(ends([0, 1, 2, 3].slice(0, durations.length), durations)).toEqual(expected);
  });

  test("are 10,000 at most", () => {
    const samples = { count: 10_003, msAt: (place: number) => midnight + place, durationMsAt: () => 0 };
    expect(endOfEvenRun(samples, 0)).toBe(10_000);
    expect(endOfEvenRun(samples, 10_000)).toBe(10_003);
  });
});
