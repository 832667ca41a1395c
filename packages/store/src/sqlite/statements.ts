import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Prepared statements by their text. The texts come from declarations, so there are few of them. */
export interface Statements {
  readonly database: DatabaseSync;
  prepare(sql: string): StatementSync;
}

export function createStatements(database: DatabaseSync): Statements {
  const prepared = new Map<string, StatementSync>();
  return {
    database,
    prepare(sql) {
      const known = prepared.get(sql);
      if (known) return known;
      const statement = database.prepare(sql);
      prepared.set(sql, statement);
      return statement;
    },
  };
}
