import { expect, test } from "vitest";
import type { Counters } from "../src/index.ts";

export interface CountersUnderTest {
  readonly counters: Counters;
  /** Lets the windows that are open end. */
  passWindow(): Promise<void>;
}

let key = 0;
/** A server may be shared by runs: no key is used twice. */
const nextKey = (): string => `key ${process.pid} ${Date.now()} ${key++}`;

/**
 * What is answered within one window. Where the window may have ended meanwhile, because the machine stalled, all is asked again:
 * `ask` takes new keys each time.
 */
export async function inOneWindow<T>(windowSeconds: number, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const began = performance.now();
    const answers = await ask();
    if (performance.now() - began < windowSeconds * 1_000) return answers;
  }
}

/** What each engine does. `windowSeconds`: of the counters under test. */
export function describeCounters(open: () => CountersUnderTest, windowSeconds: number): void {
  test("takes until the quota is used up, and says what is left and for how long", async () => {
    const { counters } = open();
    const [first, last, refused] = await inOneWindow(windowSeconds, async () => {
      const mine = nextKey();
      return [
        await counters.take(mine, 3, 5),
        await counters.take(mine, 2, 5),
        await counters.take(mine, 1, 5),
      ] as const;
    });
    expect(first).toMatchObject({ allowed: true, remaining: 2 });
    expect(first.resetMs).toBeGreaterThan(0);
    expect(first.resetMs).toBeLessThanOrEqual(windowSeconds * 1_000);
    expect(last).toMatchObject({ allowed: true, remaining: 0 });
    expect(refused).toMatchObject({ allowed: false, remaining: 0 });
    expect(refused.resetMs).toBeGreaterThan(0);
  });

  test("counts each key by itself", async () => {
    const { counters } = open();
    const [same, other] = await inOneWindow(windowSeconds, async () => {
      const mine = nextKey();
      await counters.take(mine, 5, 5);
      return [await counters.take(mine, 1, 5), await counters.take(nextKey(), 1, 5)] as const;
    });
    expect(same).toMatchObject({ allowed: false });
    expect(other).toMatchObject({ allowed: true, remaining: 4 });
  });

  test("debts are beyond the quota, and refuse until the window ends", async () => {
    const { counters, passWindow } = open();
    const [mine, refused] = await inOneWindow(windowSeconds, async () => {
      const key = nextKey();
      await counters.take(key, 1, 5);
      await counters.add(key, 50, 5);
      return [key, await counters.take(key, 1, 5)] as const;
    });
    expect(refused).toMatchObject({ allowed: false, remaining: 0 });
    await passWindow();
    expect(await counters.take(mine, 1, 5)).toMatchObject({ allowed: true, remaining: 4 });
  });

  test("asking with nothing takes nothing, and is refused where the quota is exceeded", async () => {
    const { counters } = open();
    const [asked, refused] = await inOneWindow(windowSeconds, async () => {
      const mine = nextKey();
      const before = await counters.take(mine, 0, 5);
      await counters.add(mine, 6, 5);
      return [before, await counters.take(mine, 0, 5)] as const;
    });
    expect(asked).toMatchObject({ allowed: true, remaining: 5 });
    expect(refused).toMatchObject({ allowed: false });
  });

  test("calls at the same time never take more than the quota", async () => {
    const { counters } = open();
    const taken = await inOneWindow(windowSeconds, () => {
      const mine = nextKey();
      return Promise.all(Array.from({ length: 50 }, () => counters.take(mine, 1, 20)));
    });
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(20);
  });
}
