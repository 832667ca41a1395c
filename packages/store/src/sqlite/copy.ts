import { closeSync, existsSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { backup, type DatabaseSync } from "node:sqlite";
import { StoreError } from "../errors.ts";
import { openDatabase } from "./database.ts";
import { toFailure } from "./failure.ts";

/** Pages of one step; others use the database between steps. */
const PAGES_A_STEP = 256;

/**
 * Copies an open database into a new file that only its owner may read, and syncs it. Writes through the same
 * connection meanwhile are in the copy, too. Throws where the file exists already.
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

/** The same for a store that no process has open. Throws StoreError `locked` where one has. */
export async function copySqliteFile(from: string, to: string): Promise<void> {
  try {
    // Opening the database would create the file.
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
