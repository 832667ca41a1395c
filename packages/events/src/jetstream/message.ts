import { headers, type MsgHdrs } from "@nats-io/transport-node";
import type { OutboxEvent } from "@wellapi/store";
import { EventsError } from "../errors.ts";

/** JetStream deduplicates by this header. */
export const MESSAGE_ID = "Nats-Msg-Id";
/** A dead letter and a replayed event have another subject and message id than the original event. */
const OWN_ID = "WellAPI-Id";
const OWN_SUBJECT = "WellAPI-Subject";
const ERROR = "WellAPI-Error";
const reserved = /^(nats|wellapi)-/i;

/** Where this stream's dead letters lie; `$` keeps their subjects apart from those of events. */
export const deadSubject = (stream: string, durable: string) => `$WA.DEAD.${stream}.${durable}`;
/** The subject of events that are replayed to one durable. */
export const replaySubject = (stream: string, durable: string) => `$WA.REPLAY.${stream}.${durable}`;
/** The subject of a signal; no stream holds it. */
export const signalSubject = (stream: string, name: string) => `$WA.SIGNAL.${stream}.${name}`;

/** Headers of an event under its own subject: its id, its CloudEvents attributes and W3C trace context. */
export function encodeHeaders(event: OutboxEvent): MsgHdrs {
  const encoded = headers();
  for (const [name, value] of Object.entries(event.headers)) {
    if (reserved.test(name)) {
      throw new EventsError("invalid", "an event's header is named Nats-… or WellAPI-…");
    }
    encoded.append(name, encodeValue(value));
  }
  encoded.set(MESSAGE_ID, event.id);
  return encoded;
}

/** Headers of an event under another subject, where `messageId` tells it from other copies. */
export function encodeCopyHeaders(event: OutboxEvent, messageId: string, error?: string): MsgHdrs {
  const encoded = encodeHeaders(event);
  encoded.set(MESSAGE_ID, messageId);
  encoded.set(OWN_ID, event.id);
  encoded.set(OWN_SUBJECT, event.subject);
  if (error !== undefined) encoded.set(ERROR, encodeValue(error));
  return encoded;
}

export interface EncodedEvent {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: MsgHdrs | undefined;
  /** For a message that was not published by this engine, and has no id. */
  readonly fallbackId: string;
}

export function decodeEvent({ subject, data, headers: encoded, fallbackId }: EncodedEvent): OutboxEvent {
  const own: Record<string, string> = {};
  for (const name of encoded?.keys() ?? []) {
    if (!reserved.test(name)) own[name] = decodeValue(encoded?.get(name) ?? "");
  }
  return {
    id: encoded?.get(OWN_ID) || encoded?.get(MESSAGE_ID) || fallbackId,
    subject: encoded?.get(OWN_SUBJECT) || subject,
    // A copy: the client reads into a shared buffer.
    data: new Uint8Array(data),
    headers: own,
  };
}

export function decodeError(encoded: MsgHdrs | undefined): string {
  return decodeValue(encoded?.get(ERROR) ?? "");
}

/** As CloudEvents' HTTP binding does (3.1.3.2), but for spaces and quotes inside, which NATS carries as they are. */
function encodeValue(value: string): string {
  return value
    .toWellFormed()
    .replace(/^ | $|[^ -~]+|%+/gu, (part) =>
      [...new TextEncoder().encode(part)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
    );
}

function decodeValue(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // Not published by this engine.
    return value;
  }
}
