import { closeSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import type { IndexValue } from "../port.ts";

const INCREMENTAL = 2;

/** Opens or creates the file and takes its lock; SQLite's error BUSY where another process holds it. */
export function openDatabase(path: string, maxBytes: number | undefined): DatabaseSync {
  createFile(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Exclusive before WAL: the lock is then held from the first access on, without a shared-memory file.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    // Set before the first page is written: SQLite then notes the owner of each page, so that free pages can be given
    // back. Only where it is not set: SQLite writes it each time, also on a full disk.
    const vacuum = Number(database.prepare("PRAGMA auto_vacuum").get()?.auto_vacuum);
    if (vacuum !== INCREMENTAL) database.exec("PRAGMA auto_vacuum = INCREMENTAL");
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    database.exec("PRAGMA fullfsync = ON");
    database.exec("PRAGMA checkpoint_fullfsync = ON");
    database.exec("PRAGMA secure_delete = ON");
    // Statement journals hold documents in clear: keep them out of temporary files.
    database.exec("PRAGMA temp_store = MEMORY");
    database.exec("PRAGMA journal_size_limit = 67108864");
    // A page that many commits change is written back once, not after every 4 MB of log; and an index that grows at
    // many places is read from memory, not from the file (each 16 MB, so 32 MB a store at most).
    database.exec("PRAGMA wal_autocheckpoint = 8000");
    database.exec("PRAGMA cache_size = -16000");
    database.exec("BEGIN EXCLUSIVE; COMMIT");
    if (maxBytes !== undefined) {
      const pageBytes = Number(database.prepare("PRAGMA page_size").get()?.page_size);
      database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`);
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite's other files take the permissions of this one, so it is the owner's alone from the start. */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
    throw error;
  }
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
}

/**
 * How an index value is stored. Columns have no affinity, so SQLite orders by type, then by value: integers,
 * text (by its UTF-8 bytes), then blobs, which stand for booleans. This is MongoDB's order, too.
 */
export function toSql(value: IndexValue | null): SQLInputValue {
  if (typeof value === "number") return BigInt(value);
  if (typeof value === "boolean") return new Uint8Array([value ? 1 : 0]);
  return value;
}

/** The first value of a type in SQLite's order, and the first value after all of that type. */
export function typeBounds(value: IndexValue): { lowest?: SQLInputValue; end?: SQLInputValue } {
  if (typeof value === "number") return { end: "" };
  if (typeof value === "string") return { lowest: "", end: new Uint8Array() };
  return { lowest: new Uint8Array() };
}
