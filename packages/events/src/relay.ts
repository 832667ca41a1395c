import type { Store } from "@wellapi/store";
import type { Events } from "./port.ts";
import { backoff, createSignal } from "./signal.ts";

export interface RelayOptions {
  /** The store whose outbox is drained. */
  readonly store: Pick<Store, "readOutbox" | "deleteOutbox">;
  readonly events: Pick<Events, "publish">;
  /** How often the outbox is read without a `notify`, in milliseconds; default 1000. */
  readonly intervalMs?: number;
  /** Gets each failure. The relay continues by itself, with backoff up to one minute. */
  readonly onError: (error: unknown) => void;
  /** How long a `notify` waits for others, in milliseconds; default 20. Under load, events then go in groups. */
  readonly gatherMs?: number;
}

export interface Relay {
  /** Says that a commit left an event, so that it leaves at once. */
  notify(): void;
  /** Stops after the batch under way; the rest stays in the outbox. Idempotent. */
  close(): Promise<void>;
}

const BATCH = 256;

/**
 * Moves events from a store's outbox to Events, in commit order. An event is deleted after it was published, so a
 * crash in between publishes it again under the same id, which Events ignores. Events that an earlier process left go
 * first. For one process; where several may run on one store, use `openElectedRelay`.
 */
export function openRelay(options: RelayOptions): Relay {
  const { store, events, intervalMs = 1000, gatherMs = 20, onError } = options;
  return openLoop({ turn: () => moveBatch(store, events), intervalMs, gatherMs, onError });
}

/**
 * Moves the oldest events; resolves to whether there may be more. `mayPublish` is called last, so that as little time
 * as possible passes between its answer and the publishing.
 */
export async function moveBatch(
  store: RelayOptions["store"],
  events: RelayOptions["events"],
  mayPublish: () => Promise<boolean> = async () => true,
): Promise<boolean> {
  const entries = await store.readOutbox(BATCH);
  if (entries.length === 0 || !(await mayPublish())) return false;
  await events.publish(entries.map((entry) => entry.event));
  await store.deleteOutbox(entries.map((entry) => entry.position));
  return entries.length === BATCH;
}

export interface LoopOptions {
  /** Resolves to whether another turn is due at once. */
  readonly turn: () => Promise<boolean>;
  readonly intervalMs: number;
  readonly onError: (error: unknown) => void;
  /** Default: one minute. */
  readonly maxBackoffMs?: number;
  /** Default: 0. */
  readonly gatherMs?: number;
}

/** Takes turns until it is closed: at once, after the interval, or after a backoff where the last one failed. */
export function openLoop(options: LoopOptions): Relay {
  const { turn, intervalMs, onError, maxBackoffMs = Infinity, gatherMs = 0 } = options;
  const signal = createSignal();
  let closing = false;
  let failures = 0;

  const run = async () => {
    while (!closing) {
      try {
        const goOn = await turn();
        failures = 0;
        if (!goOn && !closing) await signal.wait(intervalMs);
        if (!goOn && !closing && gatherMs > 0) await new Promise((resolve) => setTimeout(resolve, gatherMs));
      } catch (error) {
        onError(error);
        failures += 1;
        if (!closing) await signal.wait(Math.min(maxBackoffMs, backoff(intervalMs, failures)));
      }
    }
  };

  const running = run();
  return {
    notify() {
      // While publishing fails, commits must not turn the backoff into a storm.
      if (failures === 0) signal.wake();
    },
    close() {
      closing = true;
      signal.wake();
      return running;
    },
  };
}
