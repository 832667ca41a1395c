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

/** Gets the signals of one name. It must not throw; a thrown error goes to the engine's `onError`. */
export interface SignalListener {
  /** The signals of one sender come in the order in which it sent them. */
  received(data: Uint8Array): void;
  /**
   * Signals may have been lost, because this process had no connection. The listener finds out by itself what it
   * missed.
   */
  missed(): void;
}

/**
 * Signals, delivered at most once: for facts that another process may learn late, because it also finds them by
 * itself. Nothing is stored, nothing is repeated, and the sender does not learn who got a signal. A fact that must
 * arrive is an event.
 */
export interface Signals {
  /**
   * Sends to everybody who listens to `name` at this moment, in every process, this one included. Without a
   * connection the signal is dropped. `name` is dot-separated words without identifiers of people; `data` is at most
   * 64 KiB and carries references, never health data. Throws `invalid` where the name or the size breaks that.
   */
  signal(name: string, data: Uint8Array): void;
  /** Listens until the returned function is called, across reconnections. Throws `EventsError`. */
  onSignal(name: string, listener: SignalListener): () => void;
}

/**
 * Durable events, at least once. Order: events of one subject are delivered in publish order to a durable,
 * except that a retried event may come after later ones. All methods throw `EventsError`.
 */
export interface Events extends Signals {
  /** Resolves when the events are durable. An id that was published in the last seven days is ignored. */
  publish(events: readonly OutboxEvent[]): Promise<void>;
  /** A new durable starts at `now`: it gets the events that are published after this resolves. */
  consume(consumption: Consumption): Promise<Consumer>;
  /** Events that a durable gave up on, oldest first, with the last error's message. */
  deadLetters(durable: string, limit: number): Promise<ReadonlyArray<{ event: OutboxEvent; error: string }>>;
  /**
   * Delivers dead letters to this durable alone once more, with new attempts: all, or those with these ids. Returns
   * how many.
   */
  replayDeadLetters(durable: string, ids?: readonly string[]): Promise<number>;
  close(): Promise<void>;
}
