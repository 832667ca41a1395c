import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type CollectionShape, KEY_INDEX } from "../catalog.ts";
import { columnName, indexName, keyEquals, tableName } from "./names.ts";

/** Prepared statements by their text. The texts come from declarations, so there are only a few. */
export interface Statements {
  readonly database: DatabaseSync;
  prepare(sql: string): StatementSync;
  /** Statements on single documents of a collection: their texts are made once, not at each use. */
  of(shape: CollectionShape): CollectionStatements;
}

export interface CollectionStatements {
  /** Parameters: the fields, then the document. */
  readonly insert: StatementSync;
  /** Parameters: the fields, the document, the key, and the revision that is replaced. */
  readonly replace: StatementSync;
  /** Parameters: the key. */
  readonly get: StatementSync;
  /** Parameters: the key. */
  readonly delete: StatementSync;
  /** Parameters: the key, and the revision that is deleted. */
  readonly deleteRevision: StatementSync;
}

export function createStatements(database: DatabaseSync): Statements {
  const prepared = new Map<string, StatementSync>();
  const ofShapes = new Map<CollectionShape, CollectionStatements>();
  const prepare = (sql: string): StatementSync => {
    const known = prepared.get(sql);
    if (known) return known;
    const statement = database.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };

  return {
    database,
    prepare,
    of(shape) {
      const known = ofShapes.get(shape);
      if (known) return known;
      const table = tableName(shape.name);
      const columns = shape.fields.map(columnName);
      const places = columns.map(() => "?, ").join("");
      const assignments = columns.map((column) => `${column} = ?, `).join("");
      const key = keyEquals(shape);
      const made = {
        insert: prepare(
          `INSERT INTO ${table} (${columns.join(", ")}, revision, document) VALUES (${places}1, ?)`,
        ),
        replace: prepare(
          `UPDATE ${table} SET ${assignments}revision = revision + 1, document = ?
           WHERE ${key} AND revision = ?`,
        ),
        get: prepare(
          `SELECT revision, document FROM ${table} INDEXED BY ${indexName(shape.name, KEY_INDEX)} WHERE ${key}`,
        ),
        delete: prepare(`DELETE FROM ${table} WHERE ${key}`),
        deleteRevision: prepare(`DELETE FROM ${table} WHERE ${key} AND revision = ?`),
      };
      ofShapes.set(shape, made);
      return made;
    },
  };
}
