import { openPeerCommits, type PeerSignals } from "./peer-commits.ts";

/** Wakes those who wait for a patient's next commit. */
export interface CommitHub {
  /** After a commit of this replica: wakes those who wait for the patient, here and at the other replicas. */
  notify(partition: string): void;
  /** Wakes those who wait for the patient here. */
  wake(partition: string): void;
  /** Wakes everybody who waits here. */
  wakeAll(): void;
  /** Also wakes for a commit between two waits. Close it after use. */
  subscribe(partition: string): Subscription;
  close(): Promise<void>;
}

/** How the hub learns of commits of other replicas. Without it, it knows only this process's own. */
export interface Replicas {
  /** The replicas' signals. Without them, only the next look finds a commit. */
  readonly signals?: PeerSignals;
  /** Changes with every commit of the patient. */
  versionOf(partition: string): Promise<unknown>;
  /** Interval of looks at patients with waiting watches, because a signal may be lost; in milliseconds. */
  readonly lookEveryMs: number;
  /** Gets each failed look, which is repeated after the interval, and each signal that cannot be read or sent. */
  readonly onError: (error: unknown) => void;
}

/** Most patients that are looked at in parallel. */
const AT_ONCE = 32;

export interface Subscription {
  /** Resolves at the next notification or when `signal` aborts (true), or after `ms` (false); never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<boolean>;
  close(): void;
}

/** One look for each patient and interval, however many streams wait for that patient. */
export function openCommitHub(replicas?: Replicas): CommitHub {
  const subscribers = new Map<string, Set<() => void>>();
  const wakePatient = (partition: string) => {
    for (const wake of subscribers.get(partition) ?? []) wake();
  };
  const looking = replicas && keepLooking(replicas, subscribers);
  const peers =
    replicas?.signals &&
    openPeerCommits({
      signals: replicas.signals,
      onCommit: wakePatient,
      onMissed: () => looking?.now(),
      onError: replicas.onError,
    });

  return {
    async close() {
      peers?.close();
      await looking?.stop();
    },
    notify(partition) {
      wakePatient(partition);
      peers?.tell(partition);
    },
    wake: wakePatient,
    wakeAll() {
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

/** Looks at intervals for commits without a signal. */
interface Looking {
  /** Looks at once; if a look is under way, looks again after it. */
  now(): void;
  stop(): Promise<void>;
}

function keepLooking(
  { versionOf, lookEveryMs, onError }: Replicas,
  subscribers: ReadonlyMap<string, ReadonlySet<() => void>>,
): Looking {
  let seen = new Map<string, unknown>();
  /** Undefined while a look is under way. */
  let timer: NodeJS.Timeout | undefined;
  let again = false;
  let closed = false;
  let current = Promise.resolve();

  async function lookAt(partition: string, now: Map<string, unknown>): Promise<void> {
    const version = await versionOf(partition);
    now.set(partition, version);
    // The first look wakes, too: a commit may have come between the subscriber's own read and this look.
    if (version !== seen.get(partition)) for (const wake of subscribers.get(partition) ?? []) wake();
  }

  async function look(): Promise<void> {
    const now = new Map<string, unknown>();
    const partitions = [...subscribers.keys()];
    for (let i = 0; i < partitions.length; i += AT_ONCE)
      await Promise.all(partitions.slice(i, i + AT_ONCE).map((partition) => lookAt(partition, now)));
    seen = now;
  }

  function run(): void {
    timer = undefined;
    current = look()
      .catch(onError)
      .finally(() => {
        if (closed) return;
        timer = setTimeout(run, again ? 0 : lookEveryMs);
        again = false;
      });
  }
  timer = setTimeout(run, lookEveryMs);

  return {
    now() {
      if (timer === undefined) again = true;
      else if (!closed) {
        clearTimeout(timer);
        run();
      }
    },
    async stop() {
      closed = true;
      clearTimeout(timer);
      await current;
    },
  };
}
