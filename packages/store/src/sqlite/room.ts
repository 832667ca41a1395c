import { rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

/**
 * Ways to find room on a full disk, in order. First the write-ahead log is written back, so that it is used again
 * from its beginning: replaced documents then fit into the room that the log already has. Then the reserve file is
 * deleted, where the store has one.
 */
export function roomsOf(database: DatabaseSync, file: string | undefined): readonly (() => void)[] {
  const writeBack = () => {
    try {
      database.exec("PRAGMA wal_checkpoint(RESTART)");
    } catch {
      // The checkpoint may need room itself.
    }
  };
  if (file === undefined) return [writeBack];
  const giveUp = () => {
    rmSync(file, { force: true });
    writeBack();
  };
  return [writeBack, giveUp];
}
