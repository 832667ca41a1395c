import { expect, test } from "vitest";
import { type Habit, judge, type Unusual } from "../src/unusual.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const start = Date.parse("2026-03-01T00:00:00Z");

/** Reads at these hours after the first of March, by a clock of UTC; `reads` in that hour. What is unusual of each. */
function judged(...at: readonly (readonly [hours: number, reads?: number])[]): (Unusual | undefined)[] {
  let habit: Habit | undefined;
  return at.map(([hours, reads = 1]) => {
    const time = start + hours * HOUR;
    const day = new Date(time).toISOString().slice(0, 10);
    const said = judge(habit, { time, reads, day, hour: new Date(time).getUTCHours() });
    habit = said.habit;
    return said.unusual;
  });
}

const dayAt = (day: number, hour: number) => day * 24 + hour;

test("the first read is told, and those that follow by day are not", () => {
  expect(judged([9], [10], [dayAt(1, 9)], [dayAt(2, 17)])).toEqual([
    "first_access",
    undefined,
    undefined,
    undefined,
  ]);
});

test("a read at night is told once, and again only after four weeks without one", () => {
  const nights = [dayAt(1, 0), dayAt(2, 4), dayAt(20, 3)];
  expect(judged([9], ...nights.map((at) => [at] as const))).toEqual([
    "first_access",
    "access_at_night",
    undefined,
    undefined,
  ]);
  expect(judged([9], [dayAt(1, 4)], [dayAt(20, 12)], [dayAt(30, 4)]).at(-1)).toBe("access_at_night");
  expect(judged([9], [dayAt(1, 5)])).toEqual(["first_access", undefined]);
});

test("a read after ninety days is told, one after eighty-nine is not", () => {
  expect(judged([9], [dayAt(90, 9)])).toEqual(["first_access", "access_after_silence"]);
  expect(judged([9], [dayAt(89, 9)])).toEqual(["first_access", undefined]);
});

test("much more than on any of the days before is told once a day, where there are days enough to know", () => {
  const days = [1, 2, 3].map((day) => [dayAt(day, 9), 16] as const);
  const burst = [
    [dayAt(4, 9), 4],
    [dayAt(4, 10), 64],
    [dayAt(4, 11), 64],
  ] as const;
  expect(judged(...days, ...burst)).toEqual([
    "first_access",
    undefined,
    undefined,
    undefined,
    "access_much_more",
    undefined,
  ]);
  // Three days are needed before the one that is judged.
  expect(judged(...days.slice(1), ...burst)).not.toContain("access_much_more");
  // A day with as many counts as usual from then on.
  expect(judged(...days, ...burst, [dayAt(5, 10), 256]).at(-1)).toBeUndefined();
  // Few reads are nobody's alarm.
  expect(judged([dayAt(1, 9)], [dayAt(2, 9)], [dayAt(3, 9)], [dayAt(4, 9), 16]).at(-1)).toBeUndefined();
});

test("an hour's events that come again, or in another order, count the hour once", () => {
  const days = [1, 2, 3].map((day) => [dayAt(day, 9), 4] as const);
  const hours = [16, 4, 1, 16, 16].map((reads) => [dayAt(4, 9), reads] as const);
  expect(judged(...days, ...hours)).not.toContain("access_much_more");
});

test("a read of before the latest, told late, is no silence", () => {
  expect(judged([dayAt(100, 9)], [dayAt(1, 9)], [dayAt(100, 10)])).toEqual([
    "first_access",
    undefined,
    undefined,
  ]);
});

test("a habit holds four weeks", () => {
  let habit: Habit | undefined;
  for (let day = 0; day < 60; day += 1) {
    const time = start + day * DAY;
    habit = judge(habit, { time, reads: 1, day: new Date(time).toISOString().slice(0, 10), hour: 9 }).habit;
  }
  expect(habit!.days).toHaveLength(29);
});
