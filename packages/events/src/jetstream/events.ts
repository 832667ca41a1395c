import type { OutboxEvent } from "@wellapi/store";
import { checkConsumption, checkDurable, checkEvent } from "../check.ts";
import { EventsError } from "../errors.ts";
import type { Events } from "../port.ts";
import { manager, toEventsError } from "./api.ts";
import { type JetStreamLog, type JetStreamTls, openConnection } from "./connection.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { declareConsumer, GROUP } from "./declaration.ts";
import { createDeclaring } from "./declaring.ts";
import { createDurableDelivery, type DurableDelivery } from "./durable.ts";
import { encodeHeaders } from "./message.ts";
import { createPublisher } from "./publisher.ts";
import { createPuller } from "./pull.ts";
import { createPlainSignals } from "./signals.ts";

export interface JetStreamEventsOptions {
  /** `host:port`, or `nats://` and `tls://` URLs; the client learns the other servers of a cluster from these. */
  readonly servers: readonly string[];
  /** Letters, digits, _ and -. Dead letters lie in `<stream>_dead`. */
  readonly stream: string;
  /**
   * The subjects that this process publishes: exact ones, or prefixes that end in `.>`. Consumed subjects are added
   * automatically.
   */
  readonly subjects: readonly string[];
  /** Copies of each event: 3 in production, 1 on a single server. */
  readonly replicas: number;
  /** TLS 1.3 only; without it the connection is plain, or as a `tls://` URL says. */
  readonly tls?: JetStreamTls;
  /** How long an id is known. Default: the port's seven days; each id costs the server memory. */
  readonly duplicateWindowMs?: number;
  /** How long events are kept, also for a durable that has not seen them yet. Default 30 days, 0 for ever. */
  readonly maxAgeMs?: number;
  /** Most bytes on disk; a full stream refuses events, and the outboxes keep them. Default -1: no limit. */
  readonly maxBytes?: number;
  /** How long a call may take before it is `unavailable`, in milliseconds; default 5000. */
  readonly timeoutMs?: number;
  /** Gets each failure of a handler or a listener, and of NATS where no caller can get it. The engine continues. */
  readonly onError: (error: unknown) => void;
  readonly log?: JetStreamLog;
}

/** Events over JetStream, with what an operator needs beyond the port. */
export interface JetStreamEvents extends Events {
  /** For every durable of the stream, also those without a consumer. */
  backlog(): Promise<ReadonlyMap<string, Backlog>>;
  /**
   * Adds to `subjects`. Like the opening, it resolves also while NATS is away and rejects as `invalid` where the
   * stream cannot hold them.
   */
  declare(subjects: readonly string[]): Promise<void>;
  /** Whether there is a live connection now. */
  connected(): boolean;
}

export interface Backlog {
  /** Events that the durable has not settled: not yet delivered, being handled, or waiting for another attempt. */
  readonly lag: number;
  readonly deadLetters: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const silent: JetStreamLog = { info: () => undefined, warn: () => undefined };

/**
 * Connects, declares the streams and reconciles them. Resolves also while NATS is away, so that a process starts
 * without it: calls are then `unavailable`, and the rest happens once NATS is back. A stream that cannot be
 * reconciled rejects as `invalid`.
 */
export async function openJetStreamEvents(options: JetStreamEventsOptions): Promise<JetStreamEvents> {
  const { servers, stream, subjects, replicas, tls, onError, log = silent } = options;
  const { duplicateWindowMs = 7 * DAY_MS, maxAgeMs = 30 * DAY_MS, maxBytes = -1, timeoutMs = 5000 } = options;
  checkStream(stream);
  const connection = openConnection({ servers, name: `wellapi ${stream}`, log, ...(tls && { tls }) });
  const deadLetters = createDeadLetters(connection, stream, timeoutMs);
  const durables = new Map<string, Promise<DurableDelivery>>();
  let closing: Promise<void> | undefined;

  const declaration = { stream, subjects, replicas, duplicateWindowMs, maxAgeMs, maxBytes };
  const declaring = createDeclaring({ connection, declaration, timeoutMs, log });
  const { ready } = declaring;
  const signals = createPlainSignals(connection, stream, onError);
  const publisher = createPublisher({ connection, stream, timeoutMs, ready });

  /** With JetStream's API, once the streams are there. */
  const withManager = async <T>(
    what: string,
    run: (jsm: Awaited<ReturnType<typeof manager>>) => Promise<T>,
  ): Promise<T> => {
    const deadline = performance.now() + timeoutMs;
    try {
      await ready(deadline);
      return await run(await manager(await connection.live(deadline), deadline));
    } catch (error) {
      throw toEventsError(error, what);
    }
  };

  const openDurable = async (durable: string, wanted: readonly string[]): Promise<DurableDelivery> => {
    // So a consumer may start before the process that publishes its events.
    await declaring.extend(wanted, performance.now() + timeoutMs);
    const changed = await withManager(`durable ${durable}`, (jsm) =>
      declareConsumer(jsm, stream, durable, wanted),
    );
    if (changed.length > 0)
      log.info({ stream, consumer: durable, field: changed.join(", ") }, "the durable was reconciled");
    return createDurableDelivery({
      durable,
      puller: createPuller(connection, stream, durable),
      deadLetters,
      unpin: () => withManager(`durable ${durable}`, (jsm) => jsm.consumers.unpin(stream, durable, GROUP)),
      onError,
    });
  };

  const checkOpen = () => {
    if (closing) throw new EventsError("unavailable", "events are closed");
  };

  const started = async (declared: Promise<void>): Promise<void> => {
    try {
      await declared;
    } catch (error) {
      if (!(error instanceof EventsError) || error.code !== "unavailable" || closing) throw error;
      log.warn({ err: error, stream }, "events start without NATS");
    }
  };
  try {
    await started(ready(performance.now() + timeoutMs));
  } catch (error) {
    await connection.close();
    throw error;
  }

  return {
    async publish(events: readonly OutboxEvent[]) {
      checkOpen();
      for (const event of events) {
        checkEvent(event);
        encodeHeaders(event);
        if (!declaring.holds(event.subject)) {
          throw new EventsError("invalid", `subject ${event.subject} is not declared for stream ${stream}`);
        }
      }
      if (events.length > 0) await publisher.publish([...events]);
    },
    async consume(consumption) {
      checkOpen();
      checkConsumption(consumption);
      const { durable } = consumption;
      let opening = durables.get(durable);
      if (!opening) {
        opening = openDurable(durable, consumption.subjects);
        durables.set(durable, opening);
        // The next call tries again.
        opening.catch(() => durables.delete(durable));
      }
      return (await opening).join(consumption);
    },
    async deadLetters(durable, limit) {
      checkOpen();
      checkDurable(durable);
      return deadLetters.list(durable, limit);
    },
    async replayDeadLetters(durable, ids) {
      checkOpen();
      checkDurable(durable);
      return deadLetters.replay(durable, ids);
    },
    async backlog() {
      checkOpen();
      return withManager("backlog", async (jsm) => {
        const letters = await deadLetters.count(jsm);
        const durables = await Array.fromAsync(jsm.consumers.list(stream));
        return new Map(
          durables.map(({ name, num_pending, num_ack_pending }) => [
            name,
            { lag: num_pending + num_ack_pending, deadLetters: letters.get(name) ?? 0 },
          ]),
        );
      });
    },
    async declare(more) {
      checkOpen();
      return started(declaring.extend(more, performance.now() + timeoutMs));
    },
    connected: () => connection.current() !== undefined,
    signal: signals.send,
    onSignal(name, listener) {
      checkOpen();
      return signals.listen(name, listener);
    },
    close() {
      closing ??= (async () => {
        signals.close();
        const opened = await Promise.allSettled(durables.values());
        await Promise.all(
          opened.map((delivery) => (delivery.status === "fulfilled" ? delivery.value.close() : undefined)),
        );
        await publisher.settle();
        await connection.close();
        await declaring.close();
      })();
      return closing;
    },
  };
}

function checkStream(stream: string): void {
  if (!/^[A-Za-z0-9_-]{1,100}$/.test(stream)) {
    throw new EventsError("invalid", "a stream's name is 1 to 100 letters, digits, _ and -");
  }
}
