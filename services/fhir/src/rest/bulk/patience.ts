import { setTimeout as sleep } from "node:timers/promises";
import { refusalOf } from "@wellapi/http";

/** The longest wait for one call, and how often it is tried. */
const mostSeconds = 60;
const mostTries = 20;

/**
 * Makes a call of an export, and waits where the server says when to come again: its caller's budget is spent, or a part of the
 * installation does not answer. An export is thus as fast as its caller's limits. Throws what the call throws otherwise.
 */
export async function patiently<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      const { retryAfterSeconds: seconds } = refusalOf(error);
      if (seconds === undefined || seconds > mostSeconds || tries === mostTries || signal.aborted)
        throw error;
      await sleep(seconds * 1_000, undefined, { signal });
    }
  }
}
