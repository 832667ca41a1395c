/** Tells those who wait for a patient's next commit, in this process. */
export interface CommitHub {
  notify(partition: string): void;
  /** Wakes everybody. */
  notifyAll(): void;
  /** Also wakes for what happened between two waits. Close it after use. */
  subscribe(partition: string): Subscription;
}

export interface Subscription {
  /** Resolves at the next notification, after `ms`, or when `signal` aborts; never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

export function createCommitHub(): CommitHub {
  const subscribers = new Map<string, Set<() => void>>();

  return {
    notify(partition) {
      for (const wake of subscribers.get(partition) ?? []) wake();
    },
    notifyAll() {
      for (const wakes of subscribers.values()) for (const wake of wakes) wake();
    },
    subscribe(partition) {
      let notified = false;
      let resume: (() => void) | undefined;
      const wake = () => {
        notified = true;
        resume?.();
      };
      const wakes = subscribers.get(partition) ?? new Set();
      subscribers.set(partition, wakes.add(wake));
      return {
        async wait(ms, signal) {
          if (!notified && !signal.aborted) {
            await new Promise<void>((resolve) => {
              const timer = setTimeout(resolve, ms);
              signal.addEventListener("abort", wake, { once: true });
              resume = () => {
                clearTimeout(timer);
                resolve();
              };
            });
            signal.removeEventListener("abort", wake);
          }
          notified = false;
          resume = undefined;
        },
        close() {
          wakes.delete(wake);
          if (wakes.size === 0 && subscribers.get(partition) === wakes) subscribers.delete(partition);
        },
      };
    },
  };
}
