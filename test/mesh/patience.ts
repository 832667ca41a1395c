import { setTimeout as delay } from "node:timers/promises";
import { ended } from "./programs.ts";

const everyMs = 50;

/** Asks again until the answer is yes. Throws after `withinMs`, and as soon as a program has ended. */
export async function until(what: string, withinMs: number, ask: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + withinMs;
  let last: unknown;
  while (performance.now() < end) {
    if (ended.length > 0) throw new Error(`waiting until ${what}: ${ended.join("; ")}`);
    try {
      if (await ask()) return;
      last = undefined;
    } catch (cause) {
      last = cause;
    }
    await delay(everyMs);
  }
  throw new Error(`gave up waiting until ${what}`, { cause: last });
}
