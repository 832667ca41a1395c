import { open, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "@wellapi/runtime";

/** Of each of the two files. What a start writes, and what sessions take, is a tenth of it. */
const ROOM_BYTES = 1024 * 1024;
const LOW_BYTES = 4 * ROOM_BYTES;

/** Given up by the store of consent when it finds no room: without sessions that are renewed nothing is read. */
export function sessionsRoom(folder: string): string {
  return join(folder, "sessions.room");
}

/**
 * Takes room on the disk while there is some: for the sessions, and for a start, which gives its own up where there is
 * little. Both are made again at a start that finds room.
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

/** Written, for a file with holes has no room. */
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
