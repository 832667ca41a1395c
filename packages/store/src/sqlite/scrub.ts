import type { DatabaseSync } from "node:sqlite";

/**
 * Leaves no byte of a deleted document in any file. `secure_delete` alone does not: where SQLite moves a row
 * to another page while it balances a tree, the old page keeps a copy in its unused space, which a later
 * delete of the row does not reach (seen in test/scrub.test.ts without this VACUUM). So the file is
 * rewritten: time and temporary disk space are proportional to what is live.
 */
export function scrubDatabase(database: DatabaseSync): void {
  try {
    // The copy may be larger than memory. It holds live documents only, and it is unlinked as soon as it is created.
    database.exec("PRAGMA temp_store = FILE");
    database.exec("VACUUM");
  } finally {
    database.exec("PRAGMA temp_store = MEMORY");
  }
  const result = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
  if (result?.busy !== 0) throw new Error("the write-ahead log could not be emptied");
}
