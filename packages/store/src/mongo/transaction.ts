import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { ClientSession, Db, MongoClient } from "mongodb";
import type { Catalog } from "../catalog.ts";
import type { PreparedChange } from "../commit.ts";
import type { CommitResult, OutboxEvent } from "../port.ts";
import { applyChanges, type Refusal } from "./changes.ts";
import { linearizable, transactionOptions } from "./client.ts";
import { isDuplicateKey, isTransient, toStoreError } from "./failure.ts";
import { appendEvents } from "./outbox.ts";
import type { Positions } from "./positions.ts";
import { COMMITS } from "./system.ts";

interface CommitDocument {
  readonly _id: { readonly partition: string; readonly commit: string };
  readonly partition: string;
  readonly at: Date;
}

export interface PreparedCommit {
  readonly partition: string;
  readonly changes: readonly PreparedChange[];
  readonly events: readonly OutboxEvent[];
}

/** What a transaction works with. */
export interface Engine {
  readonly client: MongoClient;
  readonly db: Db;
  readonly catalog: Catalog;
  readonly positions: Positions;
  readonly now: () => number;
  readonly timeoutMs: number;
}

const MAX_PAUSE_MS = 200;

/**
 * Runs a commit as one transaction, again after a write conflict or a lost connection, until it is decided or the
 * time is over.
 *
 * Each commit leaves a document under an id of its own in the same transaction. Where the answer to an earlier
 * run was lost, a later run meets that run's effects: as a write conflict while it is open, as duplicates or
 * guards that do not hold once it has committed. So no refusal counts before the commit document was asked for,
 * linearizably: if it is there, this commit has happened, and if not, what refused it is another's and stands on a
 * majority.
 */
export async function runCommit(engine: Engine, commit: PreparedCommit): Promise<CommitResult> {
  const deadline = performance.now() + engine.timeoutMs;
  const id = { partition: commit.partition, commit: randomUUID() };
  for (let pause = 2; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
    try {
      const refusal = await attempt(engine, commit, id);
      if (!refusal || (await hasHappened(engine, id))) return { committed: true };
      if (refusal !== "own") return refusal;
    } catch (error) {
      if (!isTransient(error)) throw toStoreError(error);
      if (performance.now() + pause > deadline) throw toStoreError(error);
    }
    await wait(pause * (0.5 + Math.random() / 2));
  }
}

/** One run. `own`: it met its own commit document. */
async function attempt(
  engine: Engine,
  { partition, changes, events }: PreparedCommit,
  id: CommitDocument["_id"],
): Promise<Refusal | "own" | undefined> {
  const { client, db, catalog, positions, now, timeoutMs } = engine;
  const session = client.startSession();
  try {
    session.startTransaction(transactionOptions(timeoutMs));
    const refusal = await applyChanges(db, catalog, session, changes);
    if (refusal) return refusal;
    if (events.length > 0) await appendEvents(db, positions, session, partition, events);
    if (!(await remember(db, session, { _id: id, partition, at: new Date(now()) }))) return "own";
    await session.commitTransaction();
    return undefined;
  } finally {
    // Ends a transaction that is still open; a server that cannot be told ends it itself.
    await session.endSession();
  }
}

async function remember(db: Db, session: ClientSession, document: CommitDocument): Promise<boolean> {
  try {
    await db.collection<CommitDocument>(COMMITS).insertOne(document, { session });
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

async function hasHappened({ db, timeoutMs }: Engine, id: CommitDocument["_id"]): Promise<boolean> {
  const filter = { _id: id, partition: id.partition };
  const found = await db.collection<CommitDocument>(COMMITS).findOne(filter, linearizable(timeoutMs));
  return found !== null;
}
