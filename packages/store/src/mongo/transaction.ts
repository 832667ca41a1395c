import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { ClientSession, Db, MongoClient } from "mongodb";
import type { PreparedChange } from "../commit.ts";
import { StoreError } from "../errors.ts";
import type { CommitResult, OutboxEvent } from "../port.ts";
import { applyChanges, type Refusal, UNNAMED } from "./changes.ts";
import { linearizable, transactionOptions } from "./client.ts";
import { isTransient, isUndecided, toStoreError } from "./failure.ts";
import { appendEvents } from "./outbox.ts";
import type { Positions } from "./positions.ts";
import type { Layouts } from "./schema.ts";
import { COMMITS } from "./system.ts";

interface CommitDocument {
  /** Random. A single value as `_id` is the fastest lookup that a server has. */
  readonly _id: string;
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
  readonly layouts: Layouts;
  readonly positions: Positions;
  readonly timeoutMs: number;
}

const MAX_PAUSE_MS = 200;

/**
 * Runs a commit as one transaction and repeats it after a write conflict or a lost connection, until it is decided or
 * the deadline (by `performance.now()`) has passed.
 *
 * Each commit writes a commit document with a unique id in the same transaction. Where the answer to an earlier run
 * was lost, a later run meets that run's effects: as a write conflict while it is open, as duplicates or failed
 * guards once it has committed. So no refusal counts before the commit document was read, linearizably. If the
 * document is there, this commit has happened. If not, another commit caused the refusal, and that commit stands on a
 * majority.
 */
export async function runCommit(
  engine: Engine,
  commit: PreparedCommit,
  deadline: number,
): Promise<CommitResult> {
  if (performance.now() > deadline)
    throw new StoreError("unavailable", "the commit waited too long for its turn");
  const id = randomUUID();
  let uncertain = false;
  let together = true;
  for (let pause = 2; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
    try {
      const refusal = await attempt(engine, commit, id, together, deadline);
      if (!refusal) return { committed: true };
      if (refusal === UNNAMED) {
        together = false;
        continue;
      }
      // If no earlier run can have happened, a failed guard is the answer: the caller must read again.
      if (!uncertain && refusal !== "own" && refusal.reason === "conflict") return refusal;
      if (await hasHappened(engine, commit.partition, id)) return { committed: true };
      if (refusal !== "own") return refusal;
    } catch (error) {
      if (!isTransient(error) || performance.now() + pause > deadline) throw toStoreError(error);
      uncertain ||= isUndecided(error);
    }
    await wait(pause * (0.5 + Math.random() / 2));
  }
}

/** One run. `own`: the run met its own commit document. */
async function attempt(
  engine: Engine,
  { partition, changes, events }: PreparedCommit,
  id: string,
  together: boolean,
  deadline: number,
): Promise<Refusal | "own" | typeof UNNAMED | undefined> {
  const { client, db, layouts, positions, timeoutMs } = engine;
  const session = client.startSession();
  try {
    session.startTransaction(transactionOptions(timeoutMs));
    const refusal = await applyChanges(db, layouts, session, changes, together);
    if (refusal) return refusal;
    if (events.length > 0) await appendEvents(db, positions, session, partition, events);
    if (!(await remember(db, session, partition, id))) return "own";
    await decide(session, deadline);
    return undefined;
  } finally {
    // Ends a transaction that is still open; a server that cannot be reached ends it itself.
    await session.endSession();
  }
}

/**
 * Commits, and repeats the commit where the answer was lost: repeating is harmless, and a transaction left open would
 * hold its documents until the server ends it.
 */
async function decide(session: ClientSession, deadline: number): Promise<void> {
  for (let pause = 2; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
    try {
      return await session.commitTransaction();
    } catch (error) {
      if (!isUndecided(error) || performance.now() + pause > deadline) throw error;
    }
    await wait(pause);
  }
}

/**
 * False where it exists already. The expiry uses the server's clock, because the server removes the document an hour
 * later.
 */
async function remember(db: Db, session: ClientSession, partition: string, id: string): Promise<boolean> {
  const commits = db.collection<CommitDocument>(COMMITS);
  const filter = { _id: id, partition };
  const options = { session, upsert: true, hint: "_id_" };
  const { upsertedCount } = await commits.updateOne(filter, { $currentDate: { at: true } }, options);
  return upsertedCount === 1;
}

async function hasHappened({ db, timeoutMs }: Engine, partition: string, id: string): Promise<boolean> {
  const filter = { _id: id, partition };
  const found = await db.collection<CommitDocument>(COMMITS).findOne(filter, linearizable(timeoutMs));
  return found !== null;
}
