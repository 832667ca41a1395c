import { open, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createLoop, type Logger } from "@wellapi/runtime";

/** The writes of a start take a tenth of it. */
const ROOM_BYTES = 1024 * 1024;
/** With less than this, no data is stored any more: the rest serves entries and revocations. */
const LOW_BYTES = 4 * ROOM_BYTES;
/** With this much, data is stored again: more than the other limit, so that it does not go back and forth. */
const ENOUGH_BYTES = 2 * LOW_BYTES;
const LOOK_EVERY_MS = 1_000;

/** The room on the disk of a data folder. */
export interface DiskRoom {
  /** Whether there is too little of it to store data. */
  isLow(): boolean;
  close(): Promise<void>;
}

/**
 * Looks after the room on the disk, each second. A start on a disk that is almost full deletes the file that it has set
 * aside for that; as soon as there is room, the file is made again.
 */
export async function openDiskRoom(folder: string, log: Logger): Promise<DiskRoom> {
  const own = join(folder, "start.room");
  // Of an older version.
  await rm(join(folder, "sessions.room"), { force: true });
  let low = (await freeBytes(folder)) < LOW_BYTES;
  if (low) {
    await rm(own, { force: true });
    tellLow();
  } else await takeOwn();

  function tellLow(): void {
    log.error(
      { reason: "DISK_FULL" },
      "the disk is full: no data is stored, reads and revocations go on while the reserves last; make room, nothing needs to be restarted",
    );
  }

  async function takeOwn(): Promise<void> {
    await take(own).catch((err: unknown) => log.warn({ err }, "no room could be set aside for a full disk"));
  }

  async function look(): Promise<void> {
    const free = await freeBytes(folder);
    if (low === free < (low ? ENOUGH_BYTES : LOW_BYTES)) return;
    low = !low;
    if (low) return tellLow();
    await takeOwn();
    log.info({ reason: "DISK_FULL" }, "the disk has room again: data is stored");
  }

  const looking = createLoop({
    everyMs: LOOK_EVERY_MS,
    work: look,
    onError: (err) => log.warn({ err }, "the room on the disk could not be looked at"),
  });
  return { isLow: () => low, close: looking.close };
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Written with data, because a file with holes reserves no room. */
async function take(path: string): Promise<void> {
  const file = await open(path, "a", 0o600);
  try {
    const { size } = await file.stat();
    if (size >= ROOM_BYTES) return;
    await writeFile(file, Buffer.alloc(ROOM_BYTES - size));
    await file.datasync();
  } finally {
    await file.close();
  }
}
