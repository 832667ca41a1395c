import type { Clock } from "@wellapi/runtime";
import type { Document, Store } from "@wellapi/store";
import { collections } from "../collections.ts";
import { put } from "../put.ts";

type CountDocument = Document & {
  readonly id: string;
  /** When one was taken, UTC milliseconds, oldest first. */
  readonly times: readonly number[];
  readonly expireTime: number;
};

/** Counts what somebody does within windows of time, exactly, over all replicas and restarts. */
export interface WindowLimit {
  /** Throws what `limited` makes where a window is full. `key` identifies whose it is, and no person by itself. */
  take(key: string): Promise<void>;
}

export function createWindowLimit(options: {
  readonly store: Store;
  readonly clock: Clock;
  /** Keeps the counts of one limit apart from another's. */
  readonly scope: string;
  /** Milliseconds, and how often within them; the longest last. */
  readonly windows: ReadonlyArray<{ readonly ms: number; readonly most: number }>;
  /** `retryAfterMs`: when the next one is permitted. */
  readonly limited: (retryAfterMs: number) => Error;
}): WindowLimit {
  const { store, clock, scope, windows, limited } = options;
  const { codeCounts: collection } = collections;
  const longest = windows.at(-1)?.ms ?? 0;
  return {
    async take(key) {
      const partition = `${scope}/${key}`;
      for (;;) {
        const now = clock.now();
        const stored = await store.get<CountDocument>(collection, [partition, key]);
        const times = (stored?.document.times ?? []).filter((time) => time > now - longest);
        for (const { ms, most } of windows) {
          const within = times.filter((time) => time > now - ms);
          if (within.length >= most) throw limited(within[within.length - most]! + ms - now);
        }
        const document = { partition, id: key, times: [...times, now], expireTime: now + longest };
        if ((await store.commit({ partition, changes: [put(collection, document, stored)] })).committed)
          return;
      }
    },
  };
}
