/** Tells those who wait for a patient's next commit. */
export interface CommitHub {
  notify(partition: string): void;
  /** Wakes everybody. */
  notifyAll(): void;
  /** Also wakes for what happened between two waits. Close it after use. */
  subscribe(partition: string): Subscription;
  close(): Promise<void>;
}

/** How the hub learns of commits that other replicas make. Without it, it knows of this process's own. */
export interface Lookout {
  /** Changes with every commit of the patient. */
  versionOf(partition: string): Promise<unknown>;
  readonly everyMs: number;
  readonly onError: (error: unknown) => void;
}

/** So many patients are looked at in parallel. */
const AT_ONCE = 32;

export interface Subscription {
  /** Resolves at the next notification or when `signal` aborts (true), or after `ms` (false); never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<boolean>;
  close(): void;
}

/** One look a patient and interval, however many streams wait for that patient. */
export function createCommitHub(lookout?: Lookout): CommitHub {
  const subscribers = new Map<string, Set<() => void>>();
  const stopLooking = lookout === undefined ? async () => {} : keepLooking(lookout, subscribers);

  return {
    close: stopLooking,
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
          const woken = notified || signal.aborted;
          notified = false;
          resume = undefined;
          return woken;
        },
        close() {
          wakes.delete(wake);
          if (wakes.size === 0 && subscribers.get(partition) === wakes) subscribers.delete(partition);
        },
      };
    },
  };
}

function keepLooking(
  { versionOf, everyMs, onError }: Lookout,
  subscribers: ReadonlyMap<string, ReadonlySet<() => void>>,
): () => Promise<void> {
  let seen = new Map<string, unknown>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function lookAt(partition: string, now: Map<string, unknown>): Promise<void> {
    const version = await versionOf(partition);
    now.set(partition, version);
    // The first look wakes, too: a commit may have come between the subscriber's own look and this one.
    if (version !== seen.get(partition)) for (const wake of subscribers.get(partition) ?? []) wake();
  }

  async function look(): Promise<void> {
    const now = new Map<string, unknown>();
    const partitions = [...subscribers.keys()];
    for (let i = 0; i < partitions.length; i += AT_ONCE)
      await Promise.all(partitions.slice(i, i + AT_ONCE).map((partition) => lookAt(partition, now)));
    seen = now;
  }

  let current = Promise.resolve();
  const next = (): void => {
    timer = setTimeout(() => {
      current = look()
        .catch(onError)
        .finally(() => {
          if (!closed) next();
        });
    }, everyMs);
  };
  next();
  return async () => {
    closed = true;
    clearTimeout(timer);
    await current;
  };
}
