import { open, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "@wellapi/runtime";

/** Size of each of the two files. The writes of a start, and of sessions, take a tenth of it. */
const ROOM_BYTES = 1024 * 1024;
const LOW_BYTES = 4 * ROOM_BYTES;

/** The store of consent deletes it when it finds no room: without renewed sessions nothing is read. */
export function sessionsRoom(folder: string): string {
  return join(folder, "sessions.room");
}

/**
 * Reserves room on the disk in advance: for the sessions, and for a start, which deletes its reserve
 * if the disk is almost full. A start that finds room makes both again.
 */
export async function prepareStartRoom(folder: string, log: Logger): Promise<void> {
  const own = join(folder, "start.room");
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < LOW_BYTES) {
    await rm(own, { force: true });
    log.error(
      { reason: "DISK_FULL" },
      "the disk is full: reads go on while the reserve of entries lasts, and nothing is stored",
    );
    return;
  }
  for (const path of [own, sessionsRoom(folder)]) {
    await take(path).catch((err: unknown) => log.warn({ err }, "no room could be set aside for a full disk"));
  }
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
