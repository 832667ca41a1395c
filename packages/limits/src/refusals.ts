import { Code } from "@connectrpc/connect";
import type { Problem } from "@wellapi/rpc";
import { createBoundedCache, createCounter, type Logger, seriesAttributes } from "@wellapi/runtime";
import type { Draw } from "./rates.ts";

export interface RefusalsOptions {
  readonly log: Logger;
  /** How long a refusal is held back; 250 ms unless given. */
  readonly holdMs?: number;
}

/** How callers are refused and slowed, and how operators learn of it. */
export interface Refusals {
  problem(draw: Draw, resetMs: number): Problem;
  /** One line a window and key, and a count. */
  tell(draw: Draw, resetMs: number): void;
  /** Tells, holds the refusal back for a moment, and returns it. */
  refuse(draw: Draw, resetMs: number): Promise<Problem>;
  /** Rejects with the signal's reason. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

const defaultHoldMs = 250;
/** Refusals that are held back at a time: beyond, they leave at once, so that they never fill the memory. */
const mostHeld = 1_000;
const toldKeys = 10_000;

export function createRefusals({ log, holdMs = defaultHoldMs }: RefusalsOptions): Refusals {
  const refused = createCounter("refusedBudgets");
  const told = createBoundedCache<{ readonly until: number }>({
    name: "refused-budgets",
    capacity: toldKeys,
  });
  let held = 0;

  function problem({ name, quota }: Draw, resetMs: number): Problem {
    return {
      code: Code.ResourceExhausted,
      reason: "RATE_LIMITED",
      message: `the budget of this ${name} is used up (${quota} units a window): send the request again after the delay, and fewer at a time`,
      retryAfterMs: Math.max(1, Math.ceil(resetMs)),
    };
  }

  function tell({ name, key, quota }: Draw, resetMs: number): void {
    refused.add(1, { [seriesAttributes.budget]: name });
    const now = performance.now();
    if ((told.get(key)?.until ?? 0) > now) return;
    told.set(key, { until: now + resetMs });
    log.warn(
      { name, limit: quota, retry_after_ms: Math.ceil(resetMs) },
      "a budget is used up: its callers are refused or slowed until its window ends",
    );
  }

  return {
    problem,
    tell,
    async refuse(draw, resetMs) {
      tell(draw, resetMs);
      // A caller that asks again at once, many times at a time, is busy waiting and not the server busy answering.
      if (held < mostHeld) {
        held += 1;
        await pause(Math.min(holdMs, resetMs));
        held -= 1;
      }
      return problem(draw, resetMs);
    },
    pause,
  };
}

/** Does not keep the process alive. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms).unref();
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
