import { setTimeout as delay } from "node:timers/promises";
import type { WellApiError } from "./errors.ts";

/** The delays between attempts, doubled each time. */
export interface Backoff {
  /** Milliseconds. */
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * The delay before attempt number `attempt` (1 is the first repetition): the backoff, and never less than the server
 * requests. A random part of up to a quarter is added, so that clients that were cut together do not return together.
 */
export function waitBefore(
  attempt: number,
  error: Pick<WellApiError, "retryAfterMs">,
  { firstMs, longestMs }: Backoff,
  random: () => number = Math.random,
): number {
  const backoff = Math.min(longestMs, firstMs * 2 ** (attempt - 1));
  return Math.max(backoff, error.retryAfterMs ?? 0) * (1 + random() / 4);
}

/** Waits; ends early, without an error, when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    if (!signal?.aborted) throw error;
  });
}
