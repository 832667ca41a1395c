import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createLoop } from "../src/index.ts";

describe("a loop", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("runs after each interval, counted from the end of the run before", async () => {
    const at: number[] = [];
    const started = Date.now();
    const loop = createLoop({
      everyMs: 100,
      async work() {
        at.push(Date.now() - started);
        await new Promise((resolve) => setTimeout(resolve, 30));
      },
      onError: () => {},
    });
    await vi.advanceTimersByTimeAsync(400);
    expect(at).toEqual([100, 230, 360]);
    const closing = loop.close();
    await vi.advanceTimersByTimeAsync(30);
    await closing;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(at).toHaveLength(3);
  });

  test("at once, and once more at a wake that comes in the middle of a run, never twice at a time", async () => {
    let runs = 0;
    let under = 0;
    let most = 0;
    const loop = createLoop({
      everyMs: 1_000,
      atOnce: true,
      async work() {
        runs += 1;
        under += 1;
        most = Math.max(most, under);
        await new Promise((resolve) => setTimeout(resolve, 30));
        under -= 1;
      },
      onError: () => {},
    });
    expect(runs).toBe(1);
    loop.wake();
    loop.wake();
    await vi.advanceTimersByTimeAsync(40);
    expect(runs).toBe(2);
    await vi.advanceTimersByTimeAsync(30);
    loop.wake();
    expect([runs, most]).toEqual([3, 1]);
    const closing = loop.close();
    await vi.advanceTimersByTimeAsync(30);
    await closing;
    loop.wake();
    expect(runs).toBe(3);
  });

  test("goes on after a failure, which is told, also one that is thrown at once", async () => {
    const errors: unknown[] = [];
    let runs = 0;
    const loop = createLoop({
      everyMs: 10,
      work() {
        runs += 1;
        throw new Error(`run ${runs}`);
      },
      onError: (error) => errors.push((error as Error).message),
    });
    await vi.advanceTimersByTimeAsync(20);
    expect(errors).toEqual(["run 1", "run 2"]);
    await loop.close();
  });

  test("at its close the work is told by its signal, and its failure is no news any more", async () => {
    const errors: unknown[] = [];
    const loop = createLoop({
      everyMs: 10,
      atOnce: true,
      work: (signal) =>
        new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(new Error("cut")))),
      onError: (error) => errors.push(error),
    });
    await loop.close();
    expect(errors).toEqual([]);
  });
});
