import { existsSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type CollectionShape, createCatalog } from "../catalog.ts";
import type { Reads } from "../check.ts";
import { checkKey } from "../commit.ts";
import { decodeDocument } from "../document.ts";
import { StoreError } from "../errors.ts";
import type { CollectionDeclaration, Document, Scan, Store } from "../port.ts";
import { prepareScan, sealCursor } from "../scan.ts";
import { openDatabase, toSql } from "./database.ts";
import { isDamage, toFailure } from "./failure.ts";
import { columnName, tableName } from "./names.ts";
import type { Row } from "./protocol.ts";
import { read } from "./read.ts";
import { createStatements } from "./statements.ts";

/** A row of a collection: its document, or why there is none. */
export type Examined =
  | { readonly document: Document; readonly damage?: undefined }
  | {
      readonly document?: undefined;
      /** As many fields of its key as can be read. */
      readonly key: readonly string[];
      readonly damage: string;
    };

/** Reads a store's file document by document, for a check that must not trust it. */
export interface SqliteReader {
  /** Findings of SQLite's own check of the file; empty where it finds nothing. */
  integrity(): readonly string[];
  /** Every document, in the order of the file. Continues behind what cannot be read. */
  documents(collection: string): Generator<Examined>;
  /** A store that refuses to write. */
  readonly store: Store;
  close(): void;
}

const MOST_MESSAGES = 20;
/** How far behind an unreadable page rows are searched. */
const LONGEST_JUMP = 2 ** 40;

/**
 * Opens the file of a store that no process has open. The content of its write-ahead log is written back to the file;
 * nothing else is changed. Throws StoreError `locked`, and `damaged` where not even the beginning can be read.
 */
export function openSqliteReader(path: string, collections: readonly CollectionDeclaration[]): SqliteReader {
  if (!existsSync(path)) throw new StoreError("invalid", "there is no such store");
  const catalog = createCatalog(collections);
  const database = guard(() => openDatabase(path, undefined));
  const statements = createStatements(database);
  const reads: Reads = {
    async get(collection, key) {
      checkKey(catalog.collection(collection), key);
      const row = guard(() => read(statements, catalog, { kind: "get", collection, key: [...key] })) as
        | Row
        | undefined;
      return row && { document: decodeDocument(row.document), revision: row.revision };
    },
    async scan<D extends Document>(collection: string, scan: Scan) {
      const shape = catalog.collection(collection);
      const prepared = prepareScan(shape, scan);
      const rows = guard(() => read(statements, catalog, { kind: "scan", scan: prepared })) as Row[];
      const documents = rows.slice(0, prepared.limit).map(({ document, revision }) => {
        return { document: decodeDocument<D>(document), revision };
      });
      if (rows.length <= prepared.limit) return { documents };
      const last = documents.at(-1)!.document;
      return { documents, cursor: sealCursor(shape.indexes.get(prepared.index)!, prepared, last) };
    },
  };

  return {
    integrity: () => integrityOf(database),
    documents: (collection) => documentsOf(database, catalog.collection(collection)),
    store: readOnly(reads),
    close: () => database.close(),
  };
}

function integrityOf(database: DatabaseSync): readonly string[] {
  try {
    const rows = database.prepare(`PRAGMA integrity_check(${MOST_MESSAGES})`).all();
    return rows.map((row) => String(row.integrity_check)).filter((message) => message !== "ok");
  } catch (error) {
    return [toFailure(error).message];
  }
}

function* documentsOf(database: DatabaseSync, shape: CollectionShape): Generator<Examined> {
  const columns = columnsOf(database, shape.name);
  // The collection is declared, but no start has created it yet.
  if (columns.size === 0) return;
  const fields = shape.fields.filter((field) => columns.has(`f_${field}`));
  const next = database.prepare(
    `SELECT rowid, document, ${fields.map(columnName).join(", ")} FROM ${tableName(shape.name)}
     NOT INDEXED WHERE rowid > ? ORDER BY rowid LIMIT 1`,
  );
  next.setReadBigInts(true);
  let after = 0n;
  for (;;) {
    let row: ReturnType<StatementSync["get"]>;
    try {
      row = next.get(after);
    } catch (error) {
      if (!isDamage(error)) throw error;
      yield { key: [], damage: "a page of the file cannot be read: how many documents it held is unknown" };
      const reached = behind(next, after);
      if (reached === undefined) return;
      after = reached;
      continue;
    }
    if (row === undefined) return;
    after = row.rowid as bigint;
    yield examine(shape, fields, row);
  }
}

/** The rowid of something before the next row that can be read, in jumps that double; undefined where there is none. */
function behind(next: StatementSync, after: bigint): bigint | undefined {
  for (let jump = 1; jump <= LONGEST_JUMP; jump *= 2) {
    try {
      return next.get(after + BigInt(jump)) === undefined ? undefined : after + BigInt(jump);
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
  return undefined;
}

function examine(
  shape: CollectionShape,
  fields: readonly string[],
  row: NonNullable<ReturnType<StatementSync["get"]>>,
): Examined {
  const key = shape.key.map((field) => String(row[`f_${field}`] ?? "?"));
  let document: Document;
  try {
    document = decodeDocument(row.document as Uint8Array);
  } catch {
    return { key, damage: "the document does not decode" };
  }
  const differs = fields.filter((field) => !same(document[field], row[`f_${field}`]));
  if (differs.length === 0) return { document };
  return { key, damage: `what stands beside the document is not what it says (${differs.join(", ")})` };
}

/** Whether the column holds the document's value, as a commit writes it. */
function same(value: unknown, stored: unknown): boolean {
  if (value === undefined || value === null) return stored === null;
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return false;
  if (typeof value === "number" && !Number.isSafeInteger(value)) return false;
  const expected = toSql(value);
  if (expected instanceof Uint8Array) {
    return stored instanceof Uint8Array && Buffer.compare(expected, stored) === 0;
  }
  return expected === stored;
}

function columnsOf(database: DatabaseSync, collection: string): Set<string> {
  const columns = guard(() => database.prepare(`PRAGMA table_info(${tableName(collection)})`).all());
  return new Set(columns.map((column) => String(column.name)));
}

function readOnly(reads: Reads): Store {
  const refuse = async () => {
    throw new StoreError("invalid", "the store was opened to be read");
  };
  return {
    ...reads,
    commit: refuse,
    readOutbox: refuse,
    deleteOutbox: refuse,
    count: refuse,
    scrub: refuse,
    close: async () => {},
  };
}

function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { code, message, full = false } = toFailure(cause);
    throw new StoreError(code, message, { cause, full });
  }
}
