import { randomUUID } from "node:crypto";
import type { Signals } from "@wellapi/events";

/** Tells watches of this process, and those of others, that an inbox changed, or an organization's events. */
export interface InboxChanges {
  /** After the commit. */
  tell(partition: string): void;
  /** Wakes at each change, and where one may have been missed. Close it. */
  watch(partition: string): Watched;
  close(): void;
}

export interface Watched {
  /** Resolves at the next change, at once where there was one since the last call; or after the time, or where the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Name of the signal between replicas; its data is the partition, a space, and which replica sends it. */
const SIGNAL = "notices.changed";

export function openInboxChanges(signals: Signals): InboxChanges {
  /** Identifies this start of this process: a signal comes to its sender, too, whose watches are awake already. */
  const replica = randomUUID();
  const watches = new Map<string, Set<() => void>>();
  const wake = (partition: string) => {
    for (const one of watches.get(partition) ?? []) one();
  };
  const stop = signals.onSignal(SIGNAL, {
    received(data) {
      const [partition = "", from] = Buffer.from(data).toString().split(" ");
      if (from !== replica) wake(partition);
    },
    missed() {
      for (const partition of watches.keys()) wake(partition);
    },
  });
  return {
    tell(partition) {
      wake(partition);
      signals.signal(SIGNAL, Buffer.from(`${partition} ${replica}`));
    },
    watch(partition) {
      let woken = false;
      let resume: (() => void) | undefined;
      const one = () => {
        woken = true;
        resume?.();
      };
      const others = watches.get(partition) ?? new Set();
      watches.set(partition, others.add(one));
      return {
        async wait(ms, signal) {
          if (!woken && !signal.aborted) {
            await new Promise<void>((resolve) => {
              const done = () => {
                clearTimeout(timer);
                signal.removeEventListener("abort", done);
                resolve();
              };
              const timer = setTimeout(done, ms).unref();
              signal.addEventListener("abort", done);
              resume = done;
            });
            resume = undefined;
          }
          woken = false;
        },
        close() {
          others.delete(one);
          if (others.size === 0) watches.delete(partition);
        },
      };
    },
    close: stop,
  };
}
