import { type OutboxEvent, type Store, StoreError, scanPages } from "@wellapi/store";
import { checkConsumption, checkDurable, checkEvent, checkSignal } from "../check.ts";
import { EventsError } from "../errors.ts";
import type { Events } from "../port.ts";
import type { Clock } from "../signal.ts";
import { createSignalListeners } from "../signal-listeners.ts";
import { DEAD_LETTERS, type DeadLetter, DURABLES, type Durable, PARTITION } from "./collections.ts";
import { createDurableDelivery, type DurableDelivery } from "./durable.ts";
import { openDurableState } from "./durable-state.ts";
import { openEventLog } from "./log.ts";

export interface EmbeddedEventsOptions {
  /** Opened with `embeddedEventsCollections` among its collections. The caller closes it, after this. */
  readonly store: Store;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Gets each failure of a handler or of the store, which are tried again, and of a signal's listener. */
  readonly onError?: (error: unknown) => void;
}

/** How far behind the slowest durable the log is kept, so that it is pruned in steps. */
const PRUNE_STEP = 256;

/** Durable events over a store, for one process. An id is known for at least seven days after its event. */
export async function openEmbeddedEvents(options: EmbeddedEventsOptions): Promise<Events> {
  const { store, clock = { now: Date.now }, onError = () => undefined } = options;
  const durables = new Map<string, Promise<DurableDelivery>>();
  const known: DurableDelivery[] = [];
  const listeners = createSignalListeners(onError);
  let closing: Promise<void> | undefined;

  const log = await guard(
    openEventLog(store, clock, () => {
      for (const delivery of known) delivery.wake();
    }),
  );

  let prunedTo = 0;
  let pruning: Promise<void> | undefined;
  const prune = () => {
    const to = Math.min(log.head(), ...known.map((durable) => durable.cursor));
    if (pruning || to - prunedTo < PRUNE_STEP) return;
    pruning = log
      .prune(to)
      .then((done) => {
        // Otherwise one call did not remove everything, and the next step continues.
        if (done) prunedTo = to;
      })
      .catch(onError)
      .finally(() => {
        pruning = undefined;
      });
  };

  const openDurable = async (name: string): Promise<DurableDelivery> => {
    const state = await openDurableState(store, name, log.head());
    const delivery = createDurableDelivery({ state, log, clock, onError, onAdvanced: prune });
    known.push(delivery);
    return delivery;
  };

  const durable = (name: string): Promise<DurableDelivery> => {
    const opened = durables.get(name);
    if (opened) return opened;
    const opening = openDurable(name);
    durables.set(name, opening);
    // The next call tries again.
    opening.catch(() => durables.delete(name));
    return opening;
  };

  // Durables without a consumer still hold back the pruning of events that they have not seen.
  await guard(eachDurable(store, async (name) => void (await durable(name))));

  const checkOpen = () => {
    if (closing) throw new EventsError("unavailable", "events are closed");
  };

  return {
    async publish(events: readonly OutboxEvent[]) {
      checkOpen();
      for (const event of events) checkEvent(event);
      if (events.length > 0) await guard(log.append(events));
    },
    async consume(consumption) {
      checkOpen();
      checkConsumption(consumption);
      return (await guard(durable(consumption.durable))).join(consumption);
    },
    async deadLetters(name, limit) {
      checkOpen();
      const { documents } = await guard(
        store.scan<DeadLetter>(DEAD_LETTERS, { equals: [PARTITION, name], limit }),
      );
      return documents.map(({ document: { event, error } }) => ({ event, error }));
    },
    async replayDeadLetters(name, ids) {
      checkOpen();
      checkDurable(name);
      // Opening a durable only to query it would create it, and it would hold back the log.
      const known = await guard(store.get<Durable>(DURABLES, [PARTITION, name]));
      return known ? guard((await guard(durable(name))).replay(ids)) : 0;
    },
    signal(name, data) {
      checkSignal(name, data.byteLength);
      // A copy, delivered later: as over a network, no listener runs inside the sender's call.
      const sent = new Uint8Array(data);
      setImmediate(() => {
        if (!closing) listeners.received(name, sent);
      });
    },
    onSignal(name, listener) {
      checkOpen();
      checkSignal(name);
      return listeners.add(name, listener);
    },
    close() {
      closing ??= (async () => {
        await Promise.all(known.map((delivery) => delivery.close()));
        await log.settle();
        await pruning;
      })();
      return closing;
    },
  };
}

async function eachDurable(store: Store, visit: (name: string) => Promise<void>): Promise<void> {
  for await (const { documents } of scanPages<Durable>(store, DURABLES, {
    equals: [PARTITION],
    limit: 1000,
  })) {
    for (const { document } of documents) await visit(document.durable);
  }
}

async function guard<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw toEventsError(error);
  }
}

function toEventsError(cause: unknown): EventsError {
  const invalid = cause instanceof StoreError && cause.code === "invalid";
  const message = cause instanceof Error ? cause.message : "the store failed";
  return new EventsError(invalid ? "invalid" : "unavailable", message, { cause });
}
