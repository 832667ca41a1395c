import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createPausable } from "../src/read/pausable.ts";

/** Numbers from where the reader is; notes how often they were opened and dropped. */
function numbers(end: number, releaseAfterMs: number) {
  let reached = 0;
  const facts = { opened: 0, dropped: 0 };
  const iteration = createPausable(async function* () {
    facts.opened += 1;
    try {
      for (let next = reached; next < end; next++) {
        reached = next + 1;
        yield next;
      }
    } finally {
      facts.dropped += 1;
    }
  }, releaseAfterMs);
  return { iteration, facts };
}

describe("an iteration for a reader that may pause", () => {
  test("is opened once for a reader that does not", async () => {
    const { iteration, facts } = numbers(3, 10_000);
    const got = [];
    for (let one = await iteration.next(); one !== undefined; one = await iteration.next()) got.push(one);
    expect(got).toEqual([0, 1, 2]);
    expect(facts).toEqual({ opened: 1, dropped: 1 });
  });

  test("is dropped while the reader pauses, and goes on where it was", async () => {
    const { iteration, facts } = numbers(4, 20);
    const got = [await iteration.next(), await iteration.next()];
    await expect.poll(() => facts.dropped).toBe(1);
    got.push(await iteration.next());
    await expect.poll(() => facts.dropped).toBe(2);
    got.push(await iteration.next(), await iteration.next());
    expect(got).toEqual([0, 1, 2, 3, undefined]);
    expect(facts.opened).toBe(3);
  });

  test("that is closed is dropped at once", async () => {
    const { iteration, facts } = numbers(4, 10_000);
    await iteration.next();
    iteration.close();
    await pause(0);
    expect(facts.dropped).toBe(1);
  });
});
