import type { ConsumerConfig, JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { EventsError } from "../errors.ts";
import { isNotFound } from "./api.ts";
import { deadSubject, replaySubject } from "./message.ts";

/** The stream that this process needs; other processes may need more. */
export interface StreamDeclaration {
  readonly stream: string;
  readonly subjects: readonly string[];
  readonly replicas: number;
  readonly duplicateWindowMs: number;
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

export const deadStream = (stream: string) => `${stream}_dead`;

/** One client of this group works at a time: that is the durable's order across processes. */
export const GROUP = "one";
/**
 * A batch whose process died comes back before the durable passes to another process, so no event overtakes it. Both
 * are renewed while a handler works.
 */
export const ACK_WAIT_MS = 5000;
export const PIN_MS = 8000;
/** Events that wait for another attempt; with more of them the durable stands still. */
const MAX_WAITING_RETRIES = 10_000;

/** Makes the streams hold at least what is declared; returns which fields were changed. */
export async function declareStreams(
  jsm: JetStreamManager,
  declaration: StreamDeclaration,
): Promise<readonly string[]> {
  const { stream, subjects, replicas, duplicateWindowMs, maxAgeMs, maxBytes } = declaration;
  const shared = {
    storage: "file" as const,
    retention: "limits" as const,
    // A full stream refuses new events, which wait in the outbox: no old event is dropped for a new one.
    discard: "new" as const,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    max_bytes: -1,
    num_replicas: replicas,
    duplicate_window: nanos(duplicateWindowMs),
    max_age: 0,
  };
  const changed = await declareStream(jsm, {
    ...shared,
    name: stream,
    subjects: [...withoutOverlap(subjects), replaySubject(stream, "*")],
    max_age: nanos(maxAgeMs),
    max_bytes: maxBytes,
    allow_atomic: true,
  });
  const changedDead = await declareStream(jsm, {
    ...shared,
    name: deadStream(stream),
    subjects: [deadSubject(stream, "*")],
  });
  return [...changed, ...changedDead.map((field) => `${field} of the dead letters`)];
}

type Wanted = Pick<
  StreamConfig,
  "name" | "subjects" | "storage" | "retention" | "discard" | "num_replicas" | "duplicate_window" | "max_age"
> &
  Partial<StreamConfig>;

async function declareStream(jsm: JetStreamManager, wanted: Wanted): Promise<readonly string[]> {
  const existing = await findStream(jsm, wanted.name);
  if (!existing) {
    await jsm.streams.add(wanted);
    return ["stream"];
  }
  const refuse = (problem: string): never => {
    throw new EventsError(
      "invalid",
      `stream ${wanted.name} ${problem}; it is not this engine's, or was changed`,
    );
  };
  if (existing.storage !== wanted.storage) refuse(`is stored in ${existing.storage}, not in a file`);
  if (existing.retention !== wanted.retention) refuse(`has ${existing.retention} retention, not limits`);
  if (existing.mirror || existing.sources?.length) refuse("mirrors another");
  if (existing.sealed) refuse("is sealed");
  // Guarantees are raised and never lowered: another process, or an operator, may need more than this process.
  const target: Wanted = {
    ...wanted,
    subjects: withoutOverlap([...existing.subjects, ...wanted.subjects]),
    num_replicas: Math.max(existing.num_replicas, wanted.num_replicas),
    duplicate_window: Math.max(existing.duplicate_window, wanted.duplicate_window),
    max_age: existing.max_age === 0 || wanted.max_age === 0 ? 0 : Math.max(existing.max_age, wanted.max_age),
  };
  const changed = differences(existing, target);
  if (changed.length > 0) await jsm.streams.update(wanted.name, { ...existing, ...target });
  return changed;
}

async function findStream(jsm: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await jsm.streams.info(name)).config;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Creates the durable's consumer, starting at `now`, or gives an existing one these subjects. Returns what was
 * changed.
 */
export async function declareConsumer(
  jsm: JetStreamManager,
  stream: string,
  durable: string,
  subjects: readonly string[],
): Promise<readonly string[]> {
  const wanted = {
    filter_subjects: [...withoutOverlap(subjects), replaySubject(stream, durable)],
    ack_wait: nanos(ACK_WAIT_MS),
    // Attempts are counted here, because the dead letter is written before the event is given up.
    max_deliver: -1,
    max_ack_pending: MAX_WAITING_RETRIES,
    priority_groups: [GROUP],
    priority_policy: "pinned_client" as const,
    priority_timeout: nanos(PIN_MS),
  };
  const existing = await findConsumer(jsm, stream, durable);
  if (!existing) {
    const fresh = { durable_name: durable, ack_policy: "explicit", deliver_policy: "new" } as const;
    await jsm.consumers.add(stream, { ...fresh, ...wanted });
    return ["consumer"];
  }
  if (existing.ack_policy !== "explicit" || existing.deliver_subject) {
    const problem = existing.deliver_subject ? "is pushed" : `has ${existing.ack_policy} acknowledgement`;
    throw new EventsError("invalid", `consumer ${durable} of ${stream} ${problem}; it is not this engine's`);
  }
  const changed = differences(existing, wanted);
  if (changed.length > 0) await jsm.consumers.update(stream, durable, { ...existing, ...wanted });
  return changed;
}

async function findConsumer(
  jsm: JetStreamManager,
  stream: string,
  durable: string,
): Promise<ConsumerConfig | undefined> {
  try {
    return (await jsm.consumers.info(stream, durable)).config;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function differences(existing: object, wanted: object): string[] {
  const value = (config: object, field: string) => {
    const found = (config as Record<string, unknown>)[field];
    return JSON.stringify(Array.isArray(found) ? [...found].sort() : found);
  };
  return Object.keys(wanted).filter((field) => value(existing, field) !== value(wanted, field));
}

/** NATS refuses a subject that another subject of the list covers; the port allows it. */
function withoutOverlap(subjects: readonly string[]): string[] {
  const unique = [...new Set(subjects)];
  const covers = (other: string, subject: string) =>
    other !== subject && other.endsWith(".>") && subject.startsWith(other.slice(0, -1));
  return unique.filter((subject) => !unique.some((other) => covers(other, subject)));
}
