import type { Store } from "@wellapi/store";
import { createLeadership } from "./leadership.ts";
import { moveBatch, openLoop, type Relay, type RelayOptions } from "./relay.ts";
import type { Clock } from "./signal.ts";

export interface ElectedRelayOptions extends RelayOptions {
  /** Opened with `relayCollections` among its collections. */
  readonly store: Pick<Store, "get" | "commit" | "readOutbox" | "deleteOutbox">;
  /** A name that only this process and this start of it have, e.g. the pod's name with a random part. */
  readonly holder: string;
  /** Only differences count. Default: the process's monotonic clock. */
  readonly clock?: Clock;
  /** How long the others wait for a leader that does not renew, in milliseconds; default 5000. */
  readonly leaseMs?: number;
}

export interface ElectedRelay extends Relay {
  /** The fencing token while this relay leads; it grows with each leader. */
  token(): number | undefined;
  /** Also releases the lease, so that another relay takes over at once. */
  close(): Promise<void>;
}

/**
 * One relay among several on one store: the leader moves the outbox, the others wait for its lease to end.
 *
 * The lease saves work; the order of events does not depend on it. A relay that was paused between its last check of
 * the lease and its publishing may publish beside its successor: events then repeat, under their ids. They are not
 * reordered, because each relay publishes from the oldest event on, in order, and an event leaves the outbox only
 * after it was published. So every event follows all events that were committed before it, whichever relay published
 * them.
 */
export function openElectedRelay(options: ElectedRelayOptions): ElectedRelay {
  const { store, events, holder, onError, intervalMs = 1000, leaseMs = 5000 } = options;
  const { clock = { now: () => performance.now() } } = options;
  const leadership = createLeadership({ store, holder, clock, leaseMs });
  const renewMs = leaseMs / 5;

  const moving = openLoop({
    turn: async () => {
      if (leadership.token() === undefined) return false;
      return moveBatch(store, events, () => leadership.confirm());
    },
    intervalMs,
    onError,
    // Publishing waits for the broker by itself: a longer pause would only delay the events that wait.
    maxBackoffMs: Math.max(intervalMs, leaseMs),
  });
  const keeping = openLoop({
    turn: async () => {
      const before = leadership.token();
      await leadership.keep();
      // A new leader starts with the events that the last one left.
      if (leadership.token() !== before) moving.notify();
      return false;
    },
    intervalMs: renewMs,
    maxBackoffMs: renewMs,
    onError,
  });

  return {
    notify: moving.notify,
    token: leadership.token,
    async close() {
      await Promise.all([moving.close(), keeping.close()]);
      await leadership.release().catch(onError);
    },
  };
}
