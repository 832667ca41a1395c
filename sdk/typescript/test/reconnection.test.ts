import { expect, test } from "vitest";
import { pause, waitBefore } from "../src/reconnection.ts";

const backoff = { firstMs: 200, longestMs: 1_000 };
const noHint = { retryAfterMs: undefined };

test("waits double up to the longest", () => {
  const waits = [1, 2, 3, 4, 40].map((attempt) => waitBefore(attempt, noHint, backoff, () => 0));
  expect(waits).toEqual([200, 400, 800, 1_000, 1_000]);
});

test("a wait is never shorter than the server asks for, and a later one is no shorter than the backoff", () => {
  const hint = { retryAfterMs: 500 };
  expect(waitBefore(1, hint, backoff, () => 0)).toBe(500);
  expect(waitBefore(3, hint, backoff, () => 0)).toBe(800);
  expect(waitBefore(9, { retryAfterMs: 60_000 }, backoff, () => 0)).toBe(60_000);
});

test("up to a quarter is added at random", () => {
  expect(waitBefore(1, noHint, backoff, () => 0.999)).toBeCloseTo(249.95);
});

test("a pause ends at once, without an error, when its signal aborts", async () => {
  const stop = new AbortController();
  const paused = pause(3_600_000, stop.signal);
  stop.abort();
  await expect(paused).resolves.toBeUndefined();
  await expect(pause(3_600_000, AbortSignal.abort())).resolves.toBeUndefined();
});
