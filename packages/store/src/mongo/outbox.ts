import { Binary, type ClientSession, type Db } from "mongodb";
import type { OutboxEntry, OutboxEvent } from "../port.ts";
import { durable, snapshot } from "./client.ts";
import type { Positions } from "./positions.ts";
import { OUTBOX, TAILS } from "./system.ts";

interface EntryDocument {
  /** The position. */
  readonly _id: number;
  readonly partition: string;
  readonly id: string;
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Binary;
}

interface TailDocument {
  readonly _id: string;
  readonly partition: string;
  readonly tick: number;
}

/**
 * Puts events into the outbox inside the session's transaction. All commits with events of a partition write the
 * partition's tail document, so of two concurrent ones one starts again: positions grow in commit order.
 */
export async function appendEvents(
  db: Db,
  positions: Positions,
  session: ClientSession,
  partition: string,
  events: readonly OutboxEvent[],
): Promise<void> {
  const tails = db.collection<TailDocument>(TAILS);
  const identity = { _id: partition, partition };
  const tail = await tails.findOne(identity, { session });
  const first = await positions.take(events.length, tail?.tick ?? 0);
  const tick = first + events.length - 1;
  if (tail) await tails.updateOne(identity, { $set: { tick } }, { session });
  else await tails.insertOne({ ...identity, tick }, { session });
  const entries = events.map(({ id, subject, headers, data }, i) => {
    return { _id: positions.position(first + i), partition, id, subject, headers, data: new Binary(data) };
  });
  await db.collection<EntryDocument>(OUTBOX).insertMany(entries, { session });
}

/** Reads all partitions: the relay of the whole store reads the outbox. */
export async function readEntries(db: Db, limit: number, timeoutMs: number): Promise<readonly OutboxEntry[]> {
  const options = { ...snapshot(timeoutMs), sort: { _id: 1 }, limit, batchSize: limit + 1 } as const;
  const entries = await db.collection<EntryDocument>(OUTBOX).find({}, options).toArray();
  return entries.map(({ _id, partition, id, subject, headers, data }) => {
    return { position: _id, partition, event: { id, subject, headers, data: new Uint8Array(data.value()) } };
  });
}

export async function deleteEntries(db: Db, positions: readonly number[], timeoutMs: number): Promise<void> {
  const options = { writeConcern: durable(timeoutMs) };
  await db.collection<EntryDocument>(OUTBOX).deleteMany({ _id: { $in: [...positions] } }, options);
}
