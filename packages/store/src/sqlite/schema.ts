import type { DatabaseSync } from "node:sqlite";
import { type Catalog, type CollectionShape, checkVersion, type IndexShape, KEY_INDEX } from "../catalog.ts";
import type { decodeDocument } from "../document.ts";
import { StoreError } from "../errors.ts";
import { checkIndexValue } from "../index-value.ts";
import { toSql } from "./database.ts";
import { isUniqueViolation } from "./failure.ts";
import { columnName, indexName, tableName } from "./names.ts";

/** The layout that this code writes; a store with another layout is refused. */
const LAYOUT = 1;

/** The declarations when the store was last open: they show which columns and indexes are up to date. */
interface Recorded {
  readonly key: readonly string[];
  readonly fields: readonly string[];
  readonly indexes: Readonly<Record<string, string>>;
  /** Absent means 1. */
  readonly version?: number;
}

/**
 * Makes the file fit the declarations, all or nothing. A changed key is refused; indexes are rebuilt. Where they fit
 * already, nothing is written, so a store opens and can be read on a full disk.
 */
export async function migrate(database: DatabaseSync, catalog: Catalog): Promise<void> {
  const layout = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  if (layout !== 0 && layout !== LAYOUT) {
    throw new StoreError("invalid", `the store has layout ${layout}; this version reads layout ${LAYOUT}`);
  }
  // Only where a declaration has changed: a thread that stores documents as they come needs no codec, which takes 2 MB of each.
  const changes = layout === LAYOUT && catalog.collections.some((shape) => hasChanged(database, shape));
  const decode = changes ? (await import("../document.ts")).decodeDocument : undefined;
  database.exec("BEGIN EXCLUSIVE");
  try {
    if (layout === 0) createLayout(database);
    for (const shape of catalog.collections) migrateCollection(database, shape, decode);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function createLayout(database: DatabaseSync): void {
  database.exec("CREATE TABLE declared (name TEXT PRIMARY KEY, content TEXT NOT NULL)");
  database.exec(`CREATE TABLE outbox (position INTEGER PRIMARY KEY AUTOINCREMENT, partition TEXT NOT NULL,
    id TEXT NOT NULL, subject TEXT NOT NULL, headers TEXT NOT NULL, data BLOB NOT NULL)`);
  database.exec(`PRAGMA user_version = ${LAYOUT}`);
}

/** What a store keeps of a collection's declaration. */
function contentOf({ key, fields, indexes, version }: CollectionShape): string {
  const definitions = [...indexes.values()].map((index) => [index.name, definitionOf(index)] as const);
  const recorded: Recorded = {
    key,
    fields,
    indexes: Object.fromEntries(definitions),
    ...(version > 1 && { version }),
  };
  return JSON.stringify(recorded);
}

function definitionOf({ order, unique }: IndexShape): string {
  return JSON.stringify([order, unique]);
}

function recordedOf(database: DatabaseSync, { name }: CollectionShape): string | undefined {
  const row = database.prepare("SELECT content FROM declared WHERE name = ?").get(name);
  return row && String(row.content);
}

function hasChanged(database: DatabaseSync, shape: CollectionShape): boolean {
  const before = recordedOf(database, shape);
  return before !== undefined && before !== contentOf(shape);
}

function migrateCollection(
  database: DatabaseSync,
  shape: CollectionShape,
  decode: typeof decodeDocument | undefined,
): void {
  const before = recordedOf(database, shape);
  const content = contentOf(shape);
  if (before === content) return;
  const recorded = before === undefined ? undefined : (JSON.parse(before) as Recorded);
  if (recorded) {
    checkVersion(shape, recorded.version ?? 1);
    checkSameKey(shape, recorded);
    addFields(database, shape, recorded, decode!);
  } else {
    createTable(database, shape);
  }
  for (const [name, definition] of Object.entries(recorded?.indexes ?? {})) {
    const index = shape.indexes.get(name);
    if (index === undefined || definitionOf(index) !== definition)
      database.exec(`DROP INDEX ${indexName(shape.name, name)}`);
  }
  if (recorded) dropFields(database, shape);
  for (const index of shape.indexes.values()) {
    if (recorded?.indexes[index.name] !== definitionOf(index)) createIndex(database, shape, index);
  }
  database
    .prepare("INSERT INTO declared VALUES (?, ?) ON CONFLICT DO UPDATE SET content = excluded.content")
    .run(shape.name, content);
}

function checkSameKey(shape: CollectionShape, recorded: Recorded): void {
  if (recorded.key.join() === shape.key.join()) return;
  const was = recorded.key.join(", ");
  throw new StoreError(
    "invalid",
    `the key of ${shape.name} was (${was}) and cannot change: use a new collection`,
  );
}

function createTable(database: DatabaseSync, shape: CollectionShape): void {
  // The document stands last: SQLite then reads the other columns without following overflow pages.
  const columns = [...shape.fields.map(columnName), "revision INTEGER NOT NULL", "document BLOB NOT NULL"];
  database.exec(`CREATE TABLE ${tableName(shape.name)} (${columns.join(", ")})`);
}

/** A column that no declaration maintains would keep what a service has since removed from its documents. */
function dropFields(database: DatabaseSync, shape: CollectionShape): void {
  const declared = new Set(shape.fields.map((field) => `f_${field}`));
  const table = tableName(shape.name);
  for (const { name } of database.prepare(`PRAGMA table_info(${table})`).all()) {
    const column = String(name);
    if (!column.startsWith("f_") || declared.has(column)) continue;
    database.exec(`ALTER TABLE ${table} DROP COLUMN ${columnName(column.slice(2))}`);
  }
}

/** Fills a column from the documents where it was not maintained, also where an older declaration left it. */
function addFields(
  database: DatabaseSync,
  shape: CollectionShape,
  recorded: Recorded,
  decode: typeof decodeDocument,
): void {
  const fresh = shape.fields.filter((field) => !recorded.fields.includes(field));
  if (fresh.length === 0) return;
  const table = tableName(shape.name);
  const present = new Set(
    database
      .prepare(`PRAGMA table_info(${table})`)
      .all()
      .map((column) => column.name),
  );
  for (const field of fresh) {
    if (!present.has(`f_${field}`)) database.exec(`ALTER TABLE ${table} ADD COLUMN ${columnName(field)}`);
  }
  const next = database.prepare(
    `SELECT rowid, document FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT 1`,
  );
  const assignments = fresh.map((field) => `${columnName(field)} = ?`).join(", ");
  const update = database.prepare(`UPDATE ${table} SET ${assignments} WHERE rowid = ?`);
  for (let row = next.get(0); row !== undefined; row = next.get(row.rowid as number)) {
    const document = decode(row.document as Uint8Array);
    const values = fresh.map((field) => {
      const value = document[field] ?? null;
      if (value !== null) checkIndexValue(value, `field ${field} of a stored document of ${shape.name}`);
      return toSql(value);
    });
    update.run(...values, row.rowid as number);
  }
}

/**
 * A document that lacks a field of an index is not in the index, so unique indexes allow any number of such
 * documents.
 */
function createIndex(database: DatabaseSync, shape: CollectionShape, index: IndexShape): void {
  const columns = index.order.map(columnName).join(", ");
  const present = index.fields.map((field) => `${columnName(field)} IS NOT NULL`).join(" AND ");
  const where = index.name === KEY_INDEX ? "" : ` WHERE ${present}`;
  const unique = index.unique ? "UNIQUE " : "";
  const name = indexName(shape.name, index.name);
  try {
    database.exec(`CREATE ${unique}INDEX ${name} ON ${tableName(shape.name)} (${columns})${where}`);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const message = `index ${index.name} of ${shape.name} cannot be unique: stored documents share a value`;
    throw new StoreError("invalid", message, { cause: error });
  }
}
