import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import type { OutboxEvent } from "@wellapi/store";
import { EventsError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { encodeHeaders } from "./message.ts";

export interface Publisher {
  /** Resolves when JetStream has acknowledged all of them, in this order; calls are served one after another. */
  publish(events: readonly OutboxEvent[]): Promise<void>;
  /** Waits for publications under way. */
  settle(): Promise<void>;
}

export interface PublisherDeps {
  readonly connection: Connection;
  readonly stream: string;
  /** How long a call may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Resolves when the stream is declared. */
  readonly ready: (deadline: number) => Promise<void>;
}

/** Most events of calls that wait for their turn; a call beyond them is refused at once. */
const MAX_PENDING = 10_000;
const MAX_BATCH = 256;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const ATTEMPT_MS = 2000;
const RETRY_MS = 100;
/** Bytes of the server's message limit that are left for an event's headers. */
const HEADER_BYTES = 16 * 1024;
/** JetStream's code: the batch holds a known id, and nothing of the batch was stored. */
const BATCH_HAS_DUPLICATE = 10201;

/** JetStream's error answer, with its code. */
class Refusal extends Error {
  readonly code: number;
  constructor(error: { err_code: number; description: string }) {
    super(error.description);
    this.code = error.err_code;
  }
}

interface PublishReply {
  readonly stream?: string;
  readonly error?: { err_code: number; description: string };
}

/**
 * Publishes in order, whatever fails. An event is sent only when every earlier one is stored, or in one atomic batch
 * with it. If they were sent one after the other, a change of the stream's leader could lose one and keep the next,
 * and the repeat would come behind it.
 */
export function createPublisher({ connection, stream, timeoutMs, ready }: PublisherDeps): Publisher {
  let tail: Promise<unknown> = Promise.resolve();
  let pending = 0;

  const request = async (nc: NatsConnection, event: OutboxEvent, deadline: number, batch?: BatchPlace) => {
    const timeout = Math.max(1, Math.min(ATTEMPT_MS, deadline - performance.now()));
    const encoded = encode(event, batch);
    const reply = await nc.request(event.subject, event.data, { headers: encoded, timeout });
    const answer = reply.json<PublishReply>();
    if (answer.error) throw new Refusal(answer.error);
    if (answer.stream !== stream) {
      throw new EventsError("invalid", `subject ${event.subject} belongs to stream ${answer.stream}`);
    }
  };

  const oneByOne = async (nc: NatsConnection, events: readonly OutboxEvent[], deadline: number) => {
    for (const event of events) await request(nc, event, deadline);
  };

  const atOnce = async (nc: NatsConnection, events: readonly OutboxEvent[], deadline: number) => {
    const id = crypto.randomUUID();
    events.slice(0, -1).forEach((event, i) => {
      nc.publish(event.subject, event.data, { headers: encode(event, { id, sequence: i + 1, last: false }) });
    });
    await request(nc, events.at(-1)!, deadline, { id, sequence: events.length, last: true });
  };

  /** Tries until the deadline: events that are stored already are recognised by their ids. */
  const store = async (events: readonly OutboxEvent[], deadline: number) => {
    let atomic = events.length > 1;
    let refusal: Refusal | undefined;
    while (true) {
      try {
        await ready(deadline);
        const nc = await connection.live(deadline);
        checkSizes(nc, events);
        await (atomic ? atOnce(nc, events, deadline) : oneByOne(nc, events, deadline));
        return;
      } catch (error) {
        if (error instanceof EventsError) throw error;
        if (error instanceof Refusal && error.code === BATCH_HAS_DUPLICATE) {
          atomic = false;
          continue;
        }
        if (error instanceof Refusal) refusal = error;
        if (performance.now() + RETRY_MS >= deadline) {
          const cause = refusal ?? error; // the last attempt may have had no time left for an answer
          const reason = cause instanceof Error ? cause.message : String(cause);
          throw new EventsError("unavailable", `JetStream did not store the events: ${reason}`, { cause });
        }
        await delay(RETRY_MS);
      }
    }
  };

  return {
    publish(events) {
      if (pending + events.length > MAX_PENDING) {
        return Promise.reject(
          new EventsError("unavailable", `${pending} events wait to be published already`),
        );
      }
      pending += events.length;
      const deadline = performance.now() + timeoutMs;
      const publishing = tail.then(async () => {
        for (const batch of batches(events)) await store(batch, deadline);
      });
      tail = publishing
        .catch(() => undefined)
        .finally(() => {
          pending -= events.length;
        });
      return publishing;
    },
    async settle() {
      await tail;
    },
  };
}

interface BatchPlace {
  readonly id: string;
  /** From 1. */
  readonly sequence: number;
  readonly last: boolean;
}

/** Headers of NATS's atomic batch publishing (ADR-50). */
function encode(event: OutboxEvent, batch: BatchPlace | undefined) {
  const encoded = encodeHeaders(event);
  if (batch) {
    encoded.set("Nats-Batch-Id", batch.id);
    encoded.set("Nats-Batch-Sequence", String(batch.sequence));
    if (batch.last) encoded.set("Nats-Batch-Commit", "1");
  }
  return encoded;
}

function checkSizes(nc: NatsConnection, events: readonly OutboxEvent[]): void {
  const limit = (nc.info?.max_payload ?? 1024 * 1024) - HEADER_BYTES;
  const large = events.find((event) => event.data.byteLength > limit);
  if (large) throw new EventsError("invalid", `an event of ${large.subject} is larger than ${limit} bytes`);
}

/** Each id once, in order, in pieces that one atomic batch may hold. */
function batches(events: readonly OutboxEvent[]): OutboxEvent[][] {
  const byId = new Map<string, OutboxEvent>();
  for (const event of events) if (!byId.has(event.id)) byId.set(event.id, event);
  const pieces: OutboxEvent[][] = [];
  let bytes = 0;
  for (const event of byId.values()) {
    const piece = pieces.at(-1);
    if (piece && piece.length < MAX_BATCH && bytes + event.data.byteLength <= MAX_BATCH_BYTES) {
      piece.push(event);
      bytes += event.data.byteLength;
    } else {
      pieces.push([event]);
      bytes = event.data.byteLength;
    }
  }
  return pieces;
}
