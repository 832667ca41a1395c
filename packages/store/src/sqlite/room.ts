import { rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

/**
 * Where room may be found on a full disk, in the order in which it is asked for. First the write-ahead log is written
 * back, so that it is used from its beginning: what replaces documents that are there goes on in the room that the log has.
 * Then the file that was made for it is given up, where the store has one.
 */
export function roomsOf(database: DatabaseSync, file: string | undefined): readonly (() => void)[] {
  const writeBack = () => {
    try {
      database.exec("PRAGMA wal_checkpoint(RESTART)");
    } catch {
      // It may need room itself.
    }
  };
  if (file === undefined) return [writeBack];
  const giveUp = () => {
    rmSync(file, { force: true });
    writeBack();
  };
  return [writeBack, giveUp];
}
