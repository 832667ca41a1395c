import { connect, type NatsConnection, type TlsOptions } from "@nats-io/transport-node";
import { EventsError } from "../errors.ts";
import { backoff, createSignal } from "../signal.ts";

/** PEM files. They are read again at each connection, so a renewed certificate needs no restart. */
export interface JetStreamTls {
  readonly caFile: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** The engine's log, in pino's shape. */
export interface JetStreamLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface ConnectionOptions {
  /** `host:port`, or `nats://` and `tls://` URLs; the client learns the other servers of a cluster from these. */
  readonly servers: readonly string[];
  readonly tls?: JetStreamTls;
  /** Shown by the server's monitoring. */
  readonly name: string;
  readonly log: JetStreamLog;
}

/** One connection, made again for ever, from the first attempt on. */
export interface Connection {
  /** Waits until there is a live connection; `unavailable` at the deadline (`performance.now()`). */
  live(deadline: number): Promise<NatsConnection>;
  /** The live connection, if there is one now. */
  current(): NatsConnection | undefined;
  /** Called at each connection, the first one too. */
  onConnected(listener: (connection: NatsConnection) => void): void;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 2000;
const RETRY_MS = 250;
const MAX_RETRY_MS = 2000;
const FLUSH_MS = 1000;

export function openConnection({ servers, tls, name, log }: ConnectionOptions): Connection {
  const retry = createSignal();
  const listeners: Array<(connection: NatsConnection) => void> = [];
  const waiting = new Set<() => void>();
  let current: NatsConnection | undefined;
  let live = false;
  let closing = false;

  const wakeAll = () => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const connected = (connection: NatsConnection) => {
    live = true;
    wakeAll();
    for (const listener of listeners) listener(connection);
  };

  /** Calls while it is down must not pile up in the client's buffer, hence `live`. */
  const follow = async (connection: NatsConnection) => {
    for await (const status of connection.status()) {
      if (status.type === "disconnect") {
        live = false;
        if (!closing) log.warn({ server: status.server }, "NATS is away");
      } else if (status.type === "reconnect") {
        log.info({ server: status.server }, "NATS is back");
        connected(connection);
      }
    }
  };

  const open = () =>
    connect({
      servers: [...servers],
      name,
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RETRY_MS,
      reconnectJitter: RETRY_MS,
      reconnectJitterTLS: RETRY_MS,
      // A server that is misconfigured for a moment must not end the process's events for good.
      ignoreAuthErrorAbort: true,
      // A cut that no packet reports is noticed within six seconds, not after the client's four minutes.
      pingInterval: 2000,
      maxPingOut: 2,
      // The client passes options that it does not know to node:tls.
      ...(tls && { tls: { ...tls, minVersion: "TLSv1.3" } as TlsOptions }),
    });

  const run = async () => {
    let failures = 0;
    while (!closing) {
      try {
        current = await open();
        failures = 0;
        if (closing) break;
        void follow(current);
        connected(current);
        // Ends with `close`, or with an error after which the client gives up in spite of all settings.
        const error = await current.closed();
        live = false;
        if (error) log.warn({ err: error }, "the connection to NATS was given up; opening another");
      } catch (err) {
        failures += 1;
        if (failures === 1) log.warn({ err }, "NATS cannot be reached; trying for ever");
        if (!closing) await retry.wait(Math.min(MAX_RETRY_MS, backoff(RETRY_MS, failures)));
      }
    }
    await current?.close();
  };
  const running = run();

  return {
    async live(deadline) {
      while (!(live && current)) {
        if (closing) throw new EventsError("unavailable", "events are closed");
        const left = deadline - performance.now();
        if (left <= 0) throw new EventsError("unavailable", "NATS cannot be reached");
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          waiting.add(() => {
            clearTimeout(timer);
            resolve();
          });
        });
      }
      return current;
    },
    current: () => (live ? current : undefined),
    onConnected(listener) {
      listeners.push(listener);
      if (live && current) listener(current);
    },
    async close() {
      closing = true;
      wakeAll();
      retry.wake();
      if (live && current) {
        // Acknowledgements that are still on the way; a server that is away gets none.
        const timeout = new Promise((resolve) => setTimeout(resolve, FLUSH_MS).unref());
        await Promise.race([current.flush().catch(() => undefined), timeout]);
      }
      await current?.close();
      await running;
    },
  };
}
