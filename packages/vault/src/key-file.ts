import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { link, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { VaultError } from "./errors.ts";
import { isSealed, openKeyFile, sealKeyFile } from "./passphrase.ts";

const KEY_BYTES = 32;
const GROUP_AND_OTHERS = 0o077;

/** A file with a master key. */
export interface KeyFile {
  readonly path: string;
  /** The file is sealed with it; absent: it is not sealed. */
  readonly passphrase?: string | undefined;
}

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
/** A sealed file holds the same in Base64, with less than this around it. */
const MOST_BYTES = 4096;

/**
 * Reads the key file, and creates it with mode 0600 where it is missing; its folder exists. Throws `invalid` for a
 * file that others may read, that holds no key, or that the passphrase does not open, `unavailable` where it cannot be
 * read or created.
 */
export async function readOrCreateKeyFile(file: KeyFile): Promise<MasterKey> {
  try {
    return (await readKeyFile(file)) ?? (await createKeyFile(file));
  } catch (cause) {
    if (cause instanceof VaultError) throw cause;
    const reason = cause instanceof Error ? cause.message : "unknown error";
    throw new VaultError("unavailable", `the key file cannot be used: ${reason}`, { cause });
  }
}

/** Whether the file is sealed with a passphrase; undefined where it is missing. Throws as `readOrCreateKeyFile`. */
export async function isKeyFileSealed(path: string): Promise<boolean | undefined> {
  const bytes = await readBytes(path);
  return bytes && isSealed(bytes);
}

/** Undefined where the file is missing. Throws as `readOrCreateKeyFile`. */
export async function readKeyFile({ path, passphrase }: KeyFile): Promise<MasterKey | undefined> {
  const bytes = await readBytes(path);
  if (bytes === undefined) return undefined;
  if (!isSealed(bytes)) {
    if (passphrase === undefined) return parse(bytes, path);
    throw new VaultError("invalid", `the key file ${path} is not sealed with a passphrase`);
  }
  if (passphrase === undefined) {
    throw new VaultError("invalid", `the key file ${path} is sealed: its passphrase is needed`);
  }
  return parse(await openKeyFile(bytes, passphrase, path), path);
}

async function readBytes(path: string): Promise<Buffer | undefined> {
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
    if (size > MOST_BYTES) throw wrongSize(path, size);
    const bytes = Buffer.alloc(size);
    await file.read(bytes, 0, size, 0);
    return bytes;
  } finally {
    await file.close();
  }
}

function wrongSize(path: string, size: number): VaultError {
  const message = `the key file ${path} has ${size} bytes, which no key file has; restore it from its backup`;
  return new VaultError("invalid", message);
}

function parse(bytes: Buffer, path: string): MasterKey {
  const entries = (bytes.length - KEY_BYTES) / ENTRY_BYTES;
  if (!Number.isInteger(entries) || entries < 0 || entries > MOST_ENTRIES)
    throw wrongSize(path, bytes.length);
  const root = bytes.subarray(0, KEY_BYTES);
  if (entries === 0) return { root, wrapping: [{ number: 0, bytes: Buffer.alloc(KEY_BYTES) }] };
  const wrapping = Array.from({ length: entries }, (_, i) => {
    const entry = bytes.subarray(KEY_BYTES + i * ENTRY_BYTES).subarray(0, ENTRY_BYTES);
    return { number: entry.readUInt32BE(0), bytes: entry.subarray(NUMBER_BYTES) };
  });
  return { root, wrapping };
}

/** Writes the file, or replaces it, whole or not at all. It is on disk when this resolves. */
export async function replaceKeyFile({ path, passphrase }: KeyFile, key: MasterKey): Promise<void> {
  const draft = await writeDraft(path, await contentOf(key, passphrase));
  await rename(draft, path);
  await syncFolder(dirname(path));
}

async function contentOf({ root, wrapping }: MasterKey, passphrase: string | undefined): Promise<Buffer> {
  // The only key of a new file is derived: the file is the root alone.
  const stored = wrapping.filter(({ number }) => number > 0 || wrapping.length > 1);
  const entries = stored.flatMap(({ number, bytes }) => {
    const head = Buffer.alloc(NUMBER_BYTES);
    head.writeUInt32BE(number);
    return [head, bytes];
  });
  const content = Buffer.concat([root, ...entries]);
  return passphrase === undefined ? content : sealKeyFile(content, passphrase);
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
async function createKeyFile(file: KeyFile): Promise<MasterKey> {
  const { path, passphrase } = file;
  const draft = await writeDraft(
    path,
    await contentOf({ root: randomBytes(KEY_BYTES), wrapping: [] }, passphrase),
  );
  try {
    // Unlike a rename, a link does not replace a key that another process has created meanwhile.
    await link(draft, path);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    await unlink(draft);
  }
  await syncFolder(dirname(path));
  const key = await readKeyFile(file);
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
