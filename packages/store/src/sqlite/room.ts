import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";

/** A file that holds room on the store's disk for commits that may use it. */
export interface ReserveOptions {
  readonly path: string;
  readonly bytes: number;
}

/** Ways to find room on a full disk. */
export interface Room {
  /**
   * Writes the write-ahead log back, so that it is used again from its beginning: replaced documents then fit into the room
   * that the log already has.
   */
  writeBack(): void;
  /** Gives up the next part of the reserve; false where nothing of it is left. */
  giveUp(): boolean;
  /** Takes what is missing of the reserve, where the disk has room for more than that. True where it is whole. */
  take(): boolean;
}

/**
 * A part of the reserve: more than one commit of a few documents needs. The commit takes it at once, so others on the disk
 * hardly find it.
 */
const PART_BYTES = 128 * 1024;

export function createRoom(database: DatabaseSync, reserve: ReserveOptions | undefined): Room {
  const writeBack = () => {
    try {
      database.exec("PRAGMA wal_checkpoint(RESTART)");
    } catch {
      // The checkpoint may need room itself.
    }
  };
  if (reserve === undefined) return { writeBack, giveUp: () => false, take: () => true };
  const { path, bytes } = reserve;
  return {
    writeBack,
    giveUp() {
      const size = sizeOf(path);
      if (size === 0) return false;
      withFile(path, (file) => ftruncateSync(file, Math.max(0, size - PART_BYTES)));
      return true;
    },
    take() {
      const missing = bytes - sizeOf(path);
      if (missing <= 0) return true;
      try {
        const { bavail, bsize } = statfsSync(dirname(path));
        if (bavail * bsize < 2 * bytes) return false;
        withFile(path, (file) => fill(file, bytes));
        return true;
      } catch {
        // Somebody else was faster: what was written of it counts.
        return false;
      }
    },
  };
}

/** How often a reserve that is not whole tries to become so. */
const RETAKE_MS = 2_000;

/** Keeps the reserve whole: from now on, and after each commit that may have used it, as soon as there is room. */
export function keepReserve(room: Pick<Room, "take">): { used(): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  const take = () => {
    timer = room.take() ? undefined : setTimeout(take, RETAKE_MS);
    timer?.unref();
  };
  take();
  return {
    used() {
      if (timer === undefined) take();
    },
    stop: () => clearTimeout(timer),
  };
}

/** Written with data, because a file with holes holds no room. */
function fill(file: number, bytes: number): void {
  const zeros = Buffer.alloc(PART_BYTES);
  for (let size = fstatSync(file).size; size < bytes; ) {
    size += writeSync(file, zeros, 0, Math.min(PART_BYTES, bytes - size), size);
  }
  fdatasyncSync(file);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function withFile(path: string, use: (file: number) => void): void {
  const file = openSync(path, "a", 0o600);
  try {
    use(file);
  } finally {
    closeSync(file);
  }
}
