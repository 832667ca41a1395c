import { JetStreamApiError, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { EventsError } from "../errors.ts";

/** Whether JetStream answers that the stream, the consumer or the message does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.status === 404;
}

/**
 * Whether trying again can help: no answer, no leader, or too few servers at the moment (10005: no suitable
 * peers for placement). Everything else that JetStream answers is a refusal.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof EventsError) return error.code === "unavailable";
  if (!(error instanceof JetStreamApiError)) return true;
  return error.status === 503 || error.code === 10005;
}

export function toEventsError(cause: unknown, what: string): EventsError {
  if (cause instanceof EventsError) return cause;
  const message = `${what}: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new EventsError(isTransient(cause) ? "unavailable" : "invalid", message, { cause });
}

export function manager(connection: NatsConnection, deadline: number): Promise<JetStreamManager> {
  const timeout = Math.max(1, Math.ceil(deadline - performance.now()));
  return jetstreamManager(connection, { checkAPI: false, timeout });
}
