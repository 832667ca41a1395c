import type { Timers } from "./session-driver.ts";

/** Callers who wait for a live session. */
export interface Waiters {
  /** Resolves when the callers are woken, at the latest after `withinMs` milliseconds, which may be over already. */
  wait(withinMs: number): Promise<void>;
  wakeAll(): void;
}

export function createWaiters(timers: Timers): Waiters {
  const waiting = new Set<() => void>();
  return {
    wait(withinMs) {
      return new Promise((resolve) => {
        const wake = () => {
          waiting.delete(wake);
          cancel();
          resolve();
        };
        const cancel = timers.after(Math.max(0, withinMs), wake);
        waiting.add(wake);
      });
    },
    wakeAll() {
      for (const wake of [...waiting]) wake();
    },
  };
}
