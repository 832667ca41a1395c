/** Milliseconds since the epoch; tests decide it. */
export interface Clock {
  now(): number;
}

/** Wakes one loop that waits. A wake that comes while nobody waits is kept for the next wait. */
export interface Signal {
  wake(): void;
  /** Resolves at the next wake, or after this many milliseconds. The timer keeps no process alive. */
  wait(timeoutMs: number): Promise<void>;
}

export function createSignal(): Signal {
  let woken = false;
  let resume: (() => void) | undefined;
  return {
    wake() {
      if (resume) resume();
      else woken = true;
    },
    wait(timeoutMs) {
      if (woken) {
        woken = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const timer = setTimeout(() => resume?.(), timeoutMs).unref();
        resume = () => {
          clearTimeout(timer);
          resume = undefined;
          resolve();
        };
      });
    },
  };
}

const MAX_BACKOFF_MS = 60_000;

/** The first delay, doubled for each further failure, one minute at most. */
export function backoff(firstMs: number, failures: number): number {
  return Math.min(MAX_BACKOFF_MS, firstMs * 2 ** (failures - 1));
}
