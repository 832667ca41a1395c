import type { SQLInputValue } from "node:sqlite";
import type { Catalog } from "../catalog.ts";
import { KEY_INDEX } from "../catalog.ts";
import type { IndexValue, OutboxEntry } from "../port.ts";
import type { PreparedScan } from "../scan.ts";
import { toSql, typeBounds } from "./database.ts";
import { columnName, indexName, tableName } from "./names.ts";
import type { ReadRequest, Row } from "./protocol.ts";
import type { Statements } from "./statements.ts";

export function read(
  statements: Statements,
  catalog: Catalog,
  request: ReadRequest,
): Row | undefined | readonly Row[] | readonly OutboxEntry[] | number {
  switch (request.kind) {
    case "get":
      return readOne(statements, catalog, request.collection, request.key);
    case "scan":
      return readMany(statements, catalog, request.scan);
    case "readOutbox":
      return readOutbox(statements, request.limit);
    case "count":
      return count(statements, catalog, request.collection);
  }
}

function readOne(
  statements: Statements,
  catalog: Catalog,
  collection: string,
  key: readonly IndexValue[],
): Row | undefined {
  const shape = catalog.collection(collection);
  return statements.of(shape).get.get(...key.map(toSql)) as Row | undefined;
}

/** `INDEXED BY` makes SQLite fail rather than walk a table, so a scan costs what it returns. */
function readMany(statements: Statements, catalog: Catalog, scan: PreparedScan): readonly Row[] {
  const shape = catalog.collection(scan.collection);
  const index = shape.indexes.get(scan.index)!;
  const terms: string[] = [];
  const bound: SQLInputValue[] = [];
  const add = (term: string, ...values: SQLInputValue[]) => {
    terms.push(term);
    bound.push(...values);
  };
  // Tells SQLite that the index holds everything that the scan asks for: an index leaves out documents without its
  // fields.
  if (index.name !== KEY_INDEX) for (const field of index.fields) add(`${columnName(field)} IS NOT NULL`);
  for (const [i, value] of scan.equals.entries()) add(`${columnName(index.fields[i]!)} = ?`, toSql(value));
  const order = index.order.slice(scan.equals.length).map(columnName);
  addRange(scan, order[0], add);
  if (scan.position && order.length > 0) {
    const places = order.map(() => "?").join(", ");
    const beyond = scan.descending ? "<" : ">";
    add(`(${order.join(", ")}) ${beyond} (${places})`, ...scan.position.map(toSql));
  }
  const where = terms.length === 0 ? "" : `WHERE ${terms.join(" AND ")}`;
  const direction = scan.descending ? " DESC" : "";
  const orderBy =
    order.length === 0 ? "" : `ORDER BY ${order.map((column) => column + direction).join(", ")}`;
  const sql = `SELECT revision, document FROM ${tableName(shape.name)}
    INDEXED BY ${indexName(shape.name, index.name)} ${where} ${orderBy} LIMIT ?`;
  return statements.prepare(sql).all(...bound, scan.limit + 1) as unknown as Row[];
}

/**
 * The range, closed at the ends of its bounds' type: as in MongoDB, a range of numbers holds no strings. The end that
 * the cursor has passed is left out; with it, SQLite might start there and walk the earlier pages again.
 */
function addRange(
  scan: PreparedScan,
  column: string | undefined,
  add: (term: string, value: SQLInputValue) => void,
): void {
  const { from, after, to } = scan.range;
  const sample = from ?? after ?? to;
  if (column === undefined || sample === undefined) return;
  const { lowest, end } = typeBounds(sample);
  if (!scan.position || scan.descending) {
    if (from !== undefined) add(`${column} >= ?`, toSql(from));
    if (after !== undefined) add(`${column} > ?`, toSql(after));
    if (from === undefined && after === undefined && lowest !== undefined) add(`${column} >= ?`, lowest);
  }
  if (!scan.position || !scan.descending) {
    if (to !== undefined) add(`${column} < ?`, toSql(to));
    else if (end !== undefined) add(`${column} < ?`, end);
  }
}

function readOutbox(statements: Statements, limit: number): readonly OutboxEntry[] {
  const rows = statements.prepare("SELECT * FROM outbox ORDER BY position LIMIT ?").all(limit);
  return rows.map((row) => ({
    position: row.position as number,
    partition: row.partition as string,
    event: {
      id: row.id as string,
      subject: row.subject as string,
      data: row.data as Uint8Array,
      headers: JSON.parse(row.headers as string) as Record<string, string>,
    },
  }));
}

function count(statements: Statements, catalog: Catalog, collection: string | undefined): number {
  const table = collection === undefined ? "outbox" : tableName(catalog.collection(collection).name);
  return statements.prepare(`SELECT count(*) AS total FROM ${table}`).get()?.total as number;
}
