import { createCatalog } from "../catalog.ts";
import { checkKey, prepareChanges } from "../commit.ts";
import { decodeDocument } from "../document.ts";
import { StoreError } from "../errors.ts";
import type { CollectionDeclaration, Document, Store } from "../port.ts";
import { prepareScan, sealCursor } from "../scan.ts";
import { packCommit } from "./commit-wire.ts";
import { type Connection, openConnection, serveHere, serveShared, startWorker } from "./connection.ts";
import type { Row, WorkerOptions } from "./protocol.ts";
import type { ReserveOptions } from "./room.ts";

/** Where a store's file is written and read. */
export type StoreThread = "own" | "shared" | "callers";

export interface SqliteStoreOptions {
  /** The database file; SQLite keeps `<path>-wal` beside it. Its folder exists. */
  readonly path: string;
  readonly collections: readonly CollectionDeclaration[];
  /** Commits that would grow the file beyond this many bytes are `unavailable`. Default: none. */
  readonly maxBytes?: number;
  /**
   * A file that holds room on the same disk. A commit with `useReserve` that finds no room gets a part of it; it is made
   * whole again once the disk has room.
   */
  readonly reserve?: ReserveOptions;
  /**
   * `own` unless given. `shared`: one thread for all stores of the process that are opened so, which saves 15 MB for each but the first;
   * a commit waits for the others' fsyncs. `callers`: each commit's fsync then stops the caller's other work, but no thread is started, which takes
   * longer than to open a small file. For programs that open a store for a moment, and tests that open hundreds.
   */
  readonly thread?: StoreThread;
}

export interface SqliteStore extends Store {
  /**
   * Copies the store into a new file, which is on disk when this resolves. The copy is one moment of the store, later
   * than the call. Commits and reads continue meanwhile; a scrub and the close wait.
   */
  copyTo(path: string): Promise<void>;
}

/** A larger buffer is moved to the worker; a smaller one is cheaper to copy. */
const TRANSFER_BYTES = 64 * 1024;
const MAX_OUTBOX_READ = 10_000;

/**
 * Opens the SQLite engine: one thread holds the file, alone on the machine (`locked` otherwise).
 * Throws `invalid` where the declarations are wrong or do not fit what is stored.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { path, collections, maxBytes, reserve, thread = "own" } = options;
  const catalog = createCatalog(collections);
  const served: WorkerOptions = {
    path,
    collections,
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(reserve === undefined ? {} : { reserve }),
  };
  const connection = await connect(served, thread);
  let closing: Promise<void> | undefined;
  let copying: Promise<unknown> = Promise.resolve();

  const open = () => {
    if (closing) throw new StoreError("unavailable", "the store is closed");
    return connection;
  };

  return {
    async commit(commit) {
      // Everything is encoded before the first await: later changes by the caller are not stored.
      const request = packCommit(commit, prepareChanges(catalog, commit));
      const { buffer } = request.bytes;
      const large = buffer.byteLength >= TRANSFER_BYTES ? [buffer as ArrayBuffer] : [];
      return open().call(request, large);
    },
    async get(collection, key) {
      checkKey(catalog.collection(collection), key);
      const row = await open().call({ kind: "get", collection, key: [...key] });
      return row && decodeRow(row);
    },
    async scan<D extends Document>(collection: string, scan: Parameters<Store["scan"]>[1]) {
      const shape = catalog.collection(collection);
      const prepared = prepareScan(shape, scan);
      const rows = await open().call({ kind: "scan", scan: prepared });
      const documents = rows.slice(0, prepared.limit).map((row) => decodeRow<D>(row));
      if (rows.length <= prepared.limit) return { documents };
      const last = documents.at(-1)!.document;
      return { documents, cursor: sealCursor(shape.indexes.get(prepared.index)!, prepared, last) };
    },
    async readOutbox(limit) {
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_OUTBOX_READ) {
        throw new StoreError("invalid", `the limit of an outbox read is 1 to ${MAX_OUTBOX_READ}`);
      }
      return open().call({ kind: "readOutbox", limit });
    },
    async deleteOutbox(positions) {
      if (!positions.every((position) => Number.isSafeInteger(position) && position > 0)) {
        throw new StoreError("invalid", "a position of the outbox is an integer from 1");
      }
      if (positions.length === 0) return;
      await open().call({ kind: "deleteOutbox", positions: [...positions] });
    },
    async count(collection) {
      const named = collection === undefined ? {} : { collection: catalog.collection(collection).name };
      return open().call({ kind: "count", ...named });
    },
    async scrub() {
      await copying;
      await open().call({ kind: "scrub" });
    },
    async copyTo(path) {
      const opened = open();
      const copied = copying.then(() => opened.call({ kind: "copy", path }));
      // One after the other: each reads the whole file.
      copying = copied.catch(() => {});
      await copied;
    },
    close() {
      // The worker takes requests in order, so earlier requests are answered before it closes. A worker that has
      // crashed has nothing left to close.
      closing ??= copying
        .then(() => connection.call({ kind: "close" }))
        .catch(() => undefined)
        .then(() => connection.stopped);
      return closing;
    },
  };
}

async function connect(options: WorkerOptions, thread: StoreThread): Promise<Connection> {
  switch (thread) {
    case "own":
      return openConnection(startWorker(options));
    case "shared": {
      const served = serveShared(options);
      return openConnection(served.port, served.thread);
    }
    case "callers":
      return openConnection(await serveHere(options));
  }
}

function decodeRow<D extends Document>(row: Row) {
  return { document: decodeDocument<D>(row.document), revision: row.revision };
}
