import type { OutboxEvent } from "@wellapi/store";

/** An event as a consumer gets it. */
export interface DeliveredEvent extends OutboxEvent {
  /** 1 at the first delivery. */
  readonly attempt: number;
}

export interface Consumption {
  /** Durable name: its position survives restarts. Two consumers of one name share the work and name the same subjects. */
  readonly durable: string;
  /** Exact subjects, or prefixes that end in `.>`. */
  readonly subjects: readonly string[];
  /** At most this many events a call: 1 to 256, default 64. */
  readonly batch?: number;
  /**
   * Resolves after the handler's own commit: the whole batch is then acknowledged. A rejection redelivers
   * the batch, one event at a time, with backoff; an event is dead-lettered after `maxAttempts` (default 10).
   */
  readonly handle: (events: readonly DeliveredEvent[]) => Promise<void>;
  readonly maxAttempts?: number;
  /** First retry delay in milliseconds, doubled to one minute at most; default 200. */
  readonly backoffMs?: number;
}

export interface Consumer {
  /** Stops after the batch under way. */
  close(): Promise<void>;
}

/**
 * Durable events, at least once. Order: events of one subject are delivered in publish order to a durable,
 * except that a retried event may come after later ones. All methods throw `EventsError`.
 */
export interface Events {
  /** Resolves when the events are durable. An id that was published in the last seven days is ignored. */
  publish(events: readonly OutboxEvent[]): Promise<void>;
  /** A durable that is new starts at `now`: it gets what is published after this resolves. */
  consume(consumption: Consumption): Promise<Consumer>;
  /** Events that a durable gave up on, oldest first, with the last error's message. */
  deadLetters(durable: string, limit: number): Promise<ReadonlyArray<{ event: OutboxEvent; error: string }>>;
  close(): Promise<void>;
}
