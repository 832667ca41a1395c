import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { link, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { VaultError } from "./errors.ts";

const KEY_BYTES = 32;
const GROUP_AND_OTHERS = 0o077;

/**
 * The content of a key file: 32 bytes from which other keys are derived, and the wrapping keys, of which the last is
 * in use. A new file has one wrapping key, number 0, which is derived as well, so the file is just those 32 bytes.
 */
export interface MasterKey {
  readonly root: Buffer;
  /** Not empty; numbers rise. The bytes of number 0 mean nothing. */
  readonly wrapping: readonly WrappingKey[];
}

export interface WrappingKey {
  readonly number: number;
  readonly bytes: Buffer;
}

const NUMBER_BYTES = 4;
const ENTRY_BYTES = NUMBER_BYTES + KEY_BYTES;
const MOST_ENTRIES = 16;

/**
 * Reads the key file, and creates it with mode 0600 where it is missing; its folder exists. Throws `invalid` for a
 * file that others may read or that holds no key, `unavailable` where it cannot be read or created.
 */
export async function readOrCreateKeyFile(path: string): Promise<MasterKey> {
  try {
    return (await readKeyFile(path)) ?? (await createKeyFile(path));
  } catch (cause) {
    if (cause instanceof VaultError) throw cause;
    const reason = cause instanceof Error ? cause.message : "unknown error";
    throw new VaultError("unavailable", `the key file cannot be used: ${reason}`, { cause });
  }
}

/** Undefined where the file is missing. Throws as `readOrCreateKeyFile`. */
export async function readKeyFile(path: string): Promise<MasterKey | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    // The check uses the opened file, not the path: the file that is checked is the file that is read.
    const { mode, size } = await file.stat();
    if (process.platform !== "win32" && (mode & GROUP_AND_OTHERS) !== 0) {
      throw new VaultError("invalid", `others may read the key file ${path}; run: chmod 600 ${path}`);
    }
    const entries = (size - KEY_BYTES) / ENTRY_BYTES;
    if (!Number.isInteger(entries) || entries < 0 || entries > MOST_ENTRIES) {
      throw new VaultError(
        "invalid",
        `the key file ${path} has ${size} bytes, which no key file has; restore it from its backup`,
      );
    }
    const bytes = Buffer.alloc(size);
    await file.read(bytes, 0, size, 0);
    return parse(bytes, entries);
  } finally {
    await file.close();
  }
}

function parse(bytes: Buffer, entries: number): MasterKey {
  const root = bytes.subarray(0, KEY_BYTES);
  if (entries === 0) return { root, wrapping: [{ number: 0, bytes: Buffer.alloc(KEY_BYTES) }] };
  const wrapping = Array.from({ length: entries }, (_, i) => {
    const entry = bytes.subarray(KEY_BYTES + i * ENTRY_BYTES).subarray(0, ENTRY_BYTES);
    return { number: entry.readUInt32BE(0), bytes: entry.subarray(NUMBER_BYTES) };
  });
  return { root, wrapping };
}

/** Replaces the file, whole or not at all. */
export async function replaceKeyFile(path: string, { root, wrapping }: MasterKey): Promise<void> {
  const entries = wrapping.flatMap(({ number, bytes }) => {
    const head = Buffer.alloc(NUMBER_BYTES);
    head.writeUInt32BE(number);
    return [head, bytes];
  });
  const draft = await writeDraft(path, Buffer.concat([root, ...entries]));
  await rename(draft, path);
  await syncFolder(dirname(path));
}

async function writeDraft(path: string, bytes: Uint8Array): Promise<string> {
  const draft = `${path}.${randomBytes(8).toString("hex")}`;
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  return draft;
}

/** The file is complete and on disk before it has its name, so a crash leaves no half key behind. */
async function createKeyFile(path: string): Promise<MasterKey> {
  const draft = await writeDraft(path, randomBytes(KEY_BYTES));
  try {
    // Unlike a rename, a link does not replace a key that another process has created meanwhile.
    await link(draft, path);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    await unlink(draft);
  }
  await syncFolder(dirname(path));
  const key = await readKeyFile(path);
  if (!key) throw new VaultError("unavailable", `the key file ${path} vanished while it was made`);
  return key;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
