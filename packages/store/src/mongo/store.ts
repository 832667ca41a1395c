import type { CommandStartedEvent } from "mongodb";
import { type Catalog, createCatalog } from "../catalog.ts";
import { checkKey, prepareChanges } from "../commit.ts";
import { StoreError } from "../errors.ts";
import type { CollectionDeclaration, Document, Store } from "../port.ts";
import { prepareScan, sealCursor } from "../scan.ts";
import { createClient, linearizable } from "./client.ts";
import { toStoreError } from "./failure.ts";
import { migrate } from "./migrate.ts";
import { deleteEntries, readEntries } from "./outbox.ts";
import { createPositions } from "./positions.ts";
import { createQueues } from "./queues.ts";
import { scanEnvelopes } from "./scans.ts";
import { createLayouts } from "./schema.ts";
import { type Envelope, keyFilter, openEnvelope } from "./stored.ts";
import { OUTBOX } from "./system.ts";
import { type Engine, runCommit } from "./transaction.ts";

export interface MongoStoreOptions {
  /** `mongodb://` or `mongodb+srv://`. Read and write concerns in it are ignored: the store sets its own. */
  readonly uri: string;
  /** The database of one store, with its own outbox. */
  readonly database: string;
  readonly collections: readonly CollectionDeclaration[];
  /** UTC milliseconds: the outbox's positions follow it. Default: the system's. */
  readonly clock?: { now(): number };
  /** How long a call may take, retries included. Default: 10 s. */
  readonly timeoutMs?: number;
  /** Connections of this process. Default: 50. */
  readonly maxPoolSize?: number;
  /** Gets each command before it is sent, for tests and traces. Commands hold documents. */
  readonly onCommand?: (event: CommandStartedEvent) => void;
}

const MAX_OUTBOX_READ = 10_000;
const databaseName = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

/**
 * Opens the MongoDB engine; any number of processes may have a database open. Migrates it first where the
 * declarations are new. Throws `invalid` where they are wrong or do not fit what is stored, `unavailable` where
 * no server answers.
 */
export async function openMongoStore(options: MongoStoreOptions): Promise<Store> {
  const { database, collections, clock = Date, timeoutMs = 10_000, maxPoolSize = 50 } = options;
  const catalog = createCatalog(collections);
  const layouts = createLayouts(catalog);
  if (!databaseName.test(database))
    throw new StoreError("invalid", "the database's name is not an identifier");
  await prepareDatabase(options, catalog);

  const client = connect(options, timeoutMs, maxPoolSize);
  const db = client.db(database);
  const engine: Engine = {
    client,
    db,
    layouts,
    positions: createPositions(db, () => clock.now(), timeoutMs),
    timeoutMs,
  };
  const queues = createQueues();
  const calls = createCalls(() => client.close());
  const call = calls.run;

  return {
    async commit({ partition, changes, events = [] }) {
      // Everything is encoded before the first await: later changes by the caller are not stored.
      const prepared = {
        partition,
        changes: prepareChanges(catalog, { partition, changes, events }),
        events: events.map((event) => ({
          ...event,
          data: new Uint8Array(event.data),
          headers: { ...event.headers },
        })),
      };
      // Two commits with events of one partition would conflict in its tail document, so they run one after the
      // other.
      const deadline = performance.now() + timeoutMs;
      const run = () => runCommit(engine, prepared, deadline);
      return call(() => (events.length > 0 ? queues.run(partition, run) : run()));
    },
    async get<D extends Document>(collection: string, key: Parameters<Store["get"]>[1]) {
      const { shape, key: index } = layouts(collection);
      checkKey(shape, key);
      const filter = keyFilter(shape, key);
      const options = { ...linearizable(timeoutMs), hint: index.name };
      return call(async () => {
        const found = await db.collection<Envelope>(shape.name).findOne(filter, options);
        return found ? openEnvelope<D>(found) : undefined;
      });
    },
    async scan<D extends Document>(collection: string, scan: Parameters<Store["scan"]>[1]) {
      const layout = layouts(collection);
      const prepared = prepareScan(layout.shape, scan);
      const found = await call(() => scanEnvelopes(db, layout, prepared, timeoutMs));
      const documents = found.slice(0, prepared.limit).map((each) => openEnvelope<D>(each));
      if (found.length <= prepared.limit) return { documents };
      const last = documents.at(-1)!.document;
      return { documents, cursor: sealCursor(layout.shape.indexes.get(prepared.index)!, prepared, last) };
    },
    async readOutbox(limit) {
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_OUTBOX_READ) {
        throw new StoreError("invalid", `the limit of an outbox read is 1 to ${MAX_OUTBOX_READ}`);
      }
      return call(() => readEntries(db, limit, timeoutMs));
    },
    async deleteOutbox(positions) {
      if (!positions.every((position) => Number.isSafeInteger(position) && position > 0)) {
        throw new StoreError("invalid", "a position of the outbox is an integer from 1");
      }
      if (positions.length > 0) await call(() => deleteEntries(db, positions, timeoutMs));
    },
    async count(collection) {
      const name = collection === undefined ? OUTBOX : layouts(collection).shape.name;
      return call(() => db.collection(name).estimatedDocumentCount({ maxTimeMS: timeoutMs }));
    },
    async scrub() {
      // A clear refusal is better than a false promise: the bytes stay in oplogs, journals and free blocks of each
      // member.
      const message =
        "MongoDB cannot prove that no file holds deleted bytes: keep keys in a KMS or in SQLite";
      throw new StoreError("invalid", message);
    },
    close: calls.close,
  };
}

/** Calls under way: closing waits for them, and lets no other begin. */
function createCalls(close: () => Promise<void>) {
  const pending = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;
  return {
    /** Throws StoreError. */
    async run<T>(work: () => Promise<T>): Promise<T> {
      if (closing) throw new StoreError("unavailable", "the store is closed");
      const working = work().catch((error: unknown) => {
        throw toStoreError(error);
      });
      pending.add(working);
      try {
        return await working;
      } finally {
        pending.delete(working);
      }
    },
    close(): Promise<void> {
      closing ??= Promise.allSettled(pending).then(close);
      return closing;
    },
  };
}

function connect({ uri, onCommand }: MongoStoreOptions, limitMs: number, poolSize: number) {
  const connecting = createClient(uri, limitMs, poolSize, onCommand !== undefined);
  if (onCommand) connecting.on("commandStarted", onCommand);
  return connecting;
}

/** Index builds take as long as they take, so they have a client without a limit. */
async function prepareDatabase(options: MongoStoreOptions, catalog: Catalog): Promise<void> {
  const patient = connect(options, 0, 2);
  try {
    await migrate(patient.db(options.database), catalog);
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await patient.close();
  }
}
