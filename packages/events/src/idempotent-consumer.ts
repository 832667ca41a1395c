import type { Change, CollectionDeclaration, Document, OutboxEvent, Store } from "@wellapi/store";
import { EventsError } from "./errors.ts";
import type { Consumer, Consumption, DeliveredEvent, Events } from "./port.ts";
import { openLoop } from "./relay.ts";
import type { Clock } from "./signal.ts";

const HANDLED = "handled_events";

/** The collections that the composition root declares in each store to which `openIdempotentConsumer` writes. */
export const handledEventsCollections: readonly CollectionDeclaration[] = [
  {
    name: HANDLED,
    key: ["partition", "consumer", "event"],
    indexes: [{ name: "by_time", fields: ["consumer", "handled_at"] }],
  },
];

/** Says that the consumer has handled the event; it lies beside the event's effect. */
type HandledEvent = Document & {
  readonly consumer: string;
  /** Id of the event. */
  readonly event: string;
  /** Milliseconds since the epoch. */
  readonly handled_at: number;
};

/**
 * The effect of an event, in one partition of the consumer's own store. Without changes nothing is committed, and a
 * redelivery decides again.
 */
export interface Effect {
  readonly changes: readonly Change[];
  /** Events that this leads to; they leave from the store's outbox. */
  readonly events?: readonly OutboxEvent[];
}

export interface IdempotentConsumption extends Omit<Consumption, "handle"> {
  readonly events: Pick<Events, "consume">;
  /** The consumer's own store, opened with `handledEventsCollections` among its collections. */
  readonly store: Pick<Store, "get" | "scan" | "commit">;
  /** Where the event's effect lies. The same event gives the same partition. */
  readonly partitionOf: (event: DeliveredEvent) => string;
  /**
   * Reads what it needs and decides what to change; it changes nothing by itself. It may be called several times for
   * one event: one result is committed. An error that it throws is a failed attempt.
   */
  readonly effectOf: (event: DeliveredEvent) => Promise<Effect>;
  /** At least 2, because a batch that fails is repeated event by event. Default 10. */
  readonly maxAttempts?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** How long a handled event is remembered: longer than the broker keeps events. Default 35 days. */
  readonly keepMs?: number;
  /** How often older records are removed, the first time after this interval; default one hour. */
  readonly pruneEveryMs?: number;
  /** After the commit of an event's effect, for what may go on at once. It must not throw; a crash may come before it. */
  readonly onHandled?: (event: DeliveredEvent) => void;
  /** Gets each failed removal; the removal is tried again. */
  readonly onError: (error: unknown) => void;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const PRUNED_AT_ONCE = 500;
/** Partitions of a batch that are handled side by side. */
const LANES = 16;
/** How often an effect is decided again because its input changed meanwhile. */
const DECISIONS = 5;

/**
 * Consumes events so that each changes the consumer's store exactly once, however often it is delivered: the effect
 * and the document that marks the event as handled are one commit. A crash before the commit leaves nothing, so the
 * redelivery does the work; a crash after it leaves both, so the redelivery changes nothing and is acknowledged.
 *
 * Within a batch the events of one partition are handled in order, up to the first that fails; partitions run side by
 * side. An effect outside the store (a mail, a call) cannot be part of the commit: store what is to be done, and let
 * another component do it, under an id that the receiver recognises.
 *
 * Not covered: an event that was handled, never acknowledged in all its attempts, and is replayed from the dead
 * letters later than `keepMs`.
 */
export async function openIdempotentConsumer(consumption: IdempotentConsumption): Promise<Consumer> {
  const {
    events,
    onError,
    onHandled,
    store,
    partitionOf,
    effectOf,
    keepMs,
    pruneEveryMs,
    clock,
    ...consumed
  } = consumption;
  if ((consumed.maxAttempts ?? 10) < 2) {
    throw new EventsError("invalid", "an idempotent consumer makes at least two attempts");
  }
  const consumer = await events.consume({ ...consumed, handle: (batch) => handleBatch(consumption, batch) });
  const pruning = openPruning(consumption);
  return {
    async close() {
      await consumer.close();
      await pruning.close();
    },
  };
}

/** Rejects with the first failure, once no part of the batch is running any more. */
async function handleBatch(
  consumption: IdempotentConsumption,
  batch: readonly DeliveredEvent[],
): Promise<void> {
  const failures: unknown[] = [];
  const lanes = new Map<string, DeliveredEvent[]>();
  for (const event of batch) {
    try {
      const partition = consumption.partitionOf(event);
      const lane = lanes.get(partition);
      if (lane === undefined) lanes.set(partition, [event]);
      else lane.push(event);
    } catch (error) {
      failures.push(error);
    }
  }
  const waiting = [...lanes];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [partition, lane] = next;
      try {
        for (const event of lane) await handleOnce(consumption, partition, event);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, work));
  if (failures.length > 0) throw failures[0];
}

async function handleOnce(
  { durable, store, effectOf, onHandled, clock = { now: Date.now } }: IdempotentConsumption,
  partition: string,
  event: DeliveredEvent,
): Promise<void> {
  const key = [partition, durable, event.id];
  for (let decisions = 1; ; decisions += 1) {
    if ((await store.get<HandledEvent>(HANDLED, key)) !== undefined) return;
    const { changes, events = [] } = await effectOf(event);
    if (changes.length + events.length === 0) return;
    const document: HandledEvent = { partition, consumer: durable, event: event.id, handled_at: clock.now() };
    const result = await store.commit({
      partition,
      // Checked first, so that a repeat is recognised where another process has handled the event meanwhile.
      changes: [{ kind: "insert", collection: HANDLED, document }, ...changes],
      events,
    });
    if (result.committed) onHandled?.(event);
    if (result.committed || result.change === 0) return;
    if (decisions === DECISIONS) {
      const { collection } = changes[result.change - 1]!;
      throw new Error(`the effect met a ${result.reason} in ${collection} ${DECISIONS} times`);
    }
  }
}

/** Removes the marks of handled events, once these events cannot come again. */
function openPruning(consumption: IdempotentConsumption): Consumer {
  const { durable, store, onError, clock = { now: Date.now } } = consumption;
  const { keepMs = 35 * DAY_MS, pruneEveryMs = 60 * 60 * 1000 } = consumption;
  // After a long absence the broker first redelivers events that were handled before.
  const startedAt = performance.now();
  return openLoop({
    async turn() {
      if (performance.now() - startedAt < pruneEveryMs) return false;
      const range = { to: clock.now() - keepMs };
      const scan = { index: "by_time", equals: [durable], range, limit: PRUNED_AT_ONCE };
      const { documents } = await store.scan<HandledEvent>(HANDLED, scan);
      const old = Map.groupBy(documents, ({ document }) => document.partition);
      for (const [partition, those] of old) {
        const changes = those.map(
          ({ document }): Change => ({
            kind: "delete",
            collection: HANDLED,
            key: [partition, durable, document.event],
          }),
        );
        await store.commit({ partition, changes });
      }
      return documents.length === PRUNED_AT_ONCE;
    },
    intervalMs: pruneEveryMs,
    onError,
  });
}
