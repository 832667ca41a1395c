import { closeSync, existsSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { backup, type DatabaseSync } from "node:sqlite";
import { StoreError } from "../errors.ts";
import { openDatabase } from "./database.ts";
import { toFailure } from "./failure.ts";

/** Of one step, between which others use the database. */
const PAGES_A_STEP = 256;

/**
 * Copies an open database into a new file that its owner alone may read, and syncs it. What is written through the same
 * connection meanwhile is in the copy, too. Throws where there is such a file.
 */
export async function copyDatabase(database: DatabaseSync, path: string): Promise<void> {
  closeSync(openSync(path, "wx", 0o600));
  await backup(database, path, { rate: PAGES_A_STEP });
  for (const synced of [path, dirname(path)]) {
    const file = openSync(synced, "r");
    fsyncSync(file);
    closeSync(file);
  }
}

/** The same for a store that nobody has open. Throws StoreError `locked` where somebody has. */
export async function copySqliteFile(from: string, to: string): Promise<void> {
  try {
    // Opening would make one.
    if (!existsSync(from)) throw new StoreError("invalid", `there is no store ${from}`);
    const database = openDatabase(from, undefined);
    try {
      await copyDatabase(database, to);
    } finally {
      database.close();
    }
  } catch (cause) {
    const { code, message, full = false } = toFailure(cause);
    throw new StoreError(code, message, { cause, full });
  }
}
