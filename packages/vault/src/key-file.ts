import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { link, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { VaultError } from "./errors.ts";

const KEY_BYTES = 32;
const GROUP_AND_OTHERS = 0o077;

/**
 * What a key file holds: 32 bytes that other keys are derived from, and the keys that wrap, the last of which is the one
 * in use. At the beginning there is one, number 0, which is derived as well, and the file is just those 32 bytes.
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
 * The key of the file, which is made with mode 0600 where there is none; its folder exists. Throws
 * `invalid` for a file that others may read or that is no key, `unavailable` where it cannot be read or made.
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

/** Undefined where there is none. Throws as `readOrCreateKeyFile`. */
export async function readKeyFile(path: string): Promise<MasterKey | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    // Of the opened file, not of the path: what is checked is what is read.
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

/** Takes the file's place, whole or not at all. */
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

/** Complete and on disk before it has its name, so that a crash leaves no half key behind. */
async function createKeyFile(path: string): Promise<MasterKey> {
  const draft = await writeDraft(path, randomBytes(KEY_BYTES));
  try {
    // Unlike a rename, a link refuses to take the place of a key that another process has made meanwhile.
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
