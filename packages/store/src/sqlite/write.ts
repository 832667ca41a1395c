import type { SQLInputValue } from "node:sqlite";
import type { Catalog, CollectionShape } from "../catalog.ts";
import type { CommitResult, IndexValue } from "../port.ts";
import { toSql } from "./database.ts";
import { fullFailure, isFull, isUniqueViolation, toFailure } from "./failure.ts";
import { columnName, indexName, keyEquals, tableName } from "./names.ts";
import type { Failure, Span, WireChange, WireCommit, WriteRequest } from "./protocol.ts";
import type { Room } from "./room.ts";
import type { Statements } from "./statements.ts";

export type WriteOutcome = { readonly answer: CommitResult | undefined } | { readonly failure: Failure };

/**
 * Group commit: runs all requests in one transaction and returns once it is on disk. A refused commit rolls back to
 * its own savepoint. On a full disk the log is written back and the group is tried again; then each request is tried
 * alone, so that a large one does not fail its small neighbours, and one that may use the reserve gets a part of it
 * after the other. After any other failure nothing of the group is stored.
 */
export function writeGroup(
  statements: Statements,
  catalog: Catalog,
  requests: readonly WriteRequest[],
  room?: Room,
): WriteOutcome[] {
  const outcomes = tryGroup(statements, catalog, requests);
  if (outcomes !== full) return outcomes;
  room?.writeBack();
  const again = tryGroup(statements, catalog, requests);
  if (again !== full) return again;
  return requests.flatMap((request) => writeAlone(statements, catalog, request, room));
}

/** There was no room for the group; nothing of it is stored. */
const full = Symbol("full");

export function mayUseReserve(request: WriteRequest): boolean {
  return request.kind === "commit" && request.useReserve === true;
}

function writeAlone(
  statements: Statements,
  catalog: Catalog,
  request: WriteRequest,
  room: Room | undefined,
): WriteOutcome[] {
  for (;;) {
    const outcomes = tryGroup(statements, catalog, [request]);
    if (outcomes !== full) return outcomes;
    if (!mayUseReserve(request) || room === undefined || !room.giveUp()) return [{ failure: fullFailure }];
    // What was given up lets the log be written back, and be used again from its beginning.
    room.writeBack();
  }
}

function tryGroup(
  statements: Statements,
  catalog: Catalog,
  requests: readonly WriteRequest[],
): WriteOutcome[] | typeof full {
  const { database } = statements;
  try {
    database.exec("BEGIN IMMEDIATE");
    const outcomes = requests.map((request) => ({ answer: write(statements, catalog, request) }));
    database.exec("COMMIT");
    return outcomes;
  } catch (error) {
    // SQLite itself has rolled back after some errors.
    if (database.isTransaction) database.exec("ROLLBACK");
    if (isFull(error)) return full;
    return requests.map(() => ({ failure: toFailure(error) }));
  }
}

function write(statements: Statements, catalog: Catalog, request: WriteRequest): CommitResult | undefined {
  if (request.kind === "commit") return writeCommit(statements, catalog, request);
  const remove = statements.prepare("DELETE FROM outbox WHERE position = ?");
  for (const position of request.positions) remove.run(position);
  return undefined;
}

function writeCommit(statements: Statements, catalog: Catalog, commit: WireCommit): CommitResult {
  // A single statement is atomic by itself.
  const several = commit.changes.length + commit.events.length > 1;
  if (several) statements.prepare("SAVEPOINT one").run();
  for (const [i, change] of commit.changes.entries()) {
    const refusal = applyChange(statements, catalog.collection(change.collection), change, commit.bytes);
    if (refusal) {
      if (several) {
        statements.prepare("ROLLBACK TO one").run();
        statements.prepare("RELEASE one").run();
      }
      return { committed: false, change: i, ...refusal };
    }
  }
  const insert = "INSERT INTO outbox (partition, id, subject, headers, data) VALUES (?, ?, ?, ?, ?)";
  for (const { id, subject, headers, data } of commit.events) {
    statements.prepare(insert).run(commit.partition, id, subject, headers, part(commit.bytes, data));
  }
  if (several) statements.prepare("RELEASE one").run();
  return { committed: true };
}

type Refusal = { readonly reason: "conflict" } | { readonly reason: "duplicate"; readonly index: string };

function applyChange(
  statements: Statements,
  shape: CollectionShape,
  change: WireChange,
  bytes: Uint8Array,
): Refusal | undefined {
  if (change.kind === "delete") return applyDelete(statements, shape, change.key, change.ifRevision);
  const values = change.values.map(toSql);
  const document = part(bytes, change.document);
  const { insert, replace } = statements.of(shape);
  try {
    if (change.kind === "insert") {
      insert.run(...values, document);
      return undefined;
    }
    const key = values.slice(0, shape.key.length);
    const { changes } = replace.run(...values, document, ...key, change.ifRevision);
    return changes === 0 ? { reason: "conflict" } : undefined;
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    return { reason: "duplicate", index: metIndex(statements, shape, change, values) };
  }
}

function applyDelete(
  statements: Statements,
  shape: CollectionShape,
  key: readonly IndexValue[],
  ifRevision: number,
): Refusal | undefined {
  const bound: SQLInputValue[] = key.map(toSql);
  const of = statements.of(shape);
  const { changes } =
    ifRevision === 0 ? of.delete.run(...bound) : of.deleteRevision.run(...bound, ifRevision);
  return ifRevision !== 0 && changes === 0 ? { reason: "conflict" } : undefined;
}

/** Queries each unique index, because SQLite's error names an index only by its columns. */
function metIndex(
  statements: Statements,
  shape: CollectionShape,
  change: Exclude<WireChange, { kind: "delete" }>,
  values: readonly SQLInputValue[],
): string {
  for (const index of shape.indexes.values()) {
    if (!index.unique) continue;
    const bound = index.fields.map((field) => values[shape.fields.indexOf(field)] ?? null);
    const equals = index.fields.map((field) => `${columnName(field)} = ?`);
    // A replaced document does not conflict with itself.
    const others = change.kind === "replace" ? ` AND NOT (${keyEquals(shape)})` : "";
    if (others !== "") bound.push(...values.slice(0, shape.key.length));
    const met = statements
      .prepare(
        `SELECT 1 FROM ${tableName(shape.name)} INDEXED BY ${indexName(shape.name, index.name)}
         WHERE ${equals.join(" AND ")}${others}`,
      )
      .get(...bound);
    if (met) return index.name;
  }
  throw new Error(`a constraint of ${shape.name} was violated that no index explains`);
}

function part(bytes: Uint8Array, span: Span): Uint8Array {
  return bytes.subarray(span.start, span.end);
}
