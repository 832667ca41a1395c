import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { link, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { VaultError } from "./errors.ts";

const KEY_BYTES = 32;
const GROUP_AND_OTHERS = 0o077;

/**
 * The 32 bytes of the file, which is made with mode 0600 where there is none; its folder exists. Throws
 * `invalid` for a file that others may read or that is no key, `unavailable` where it cannot be read or made.
 */
export async function readOrCreateKeyFile(path: string): Promise<Buffer> {
  try {
    return (await readKeyFile(path)) ?? (await createKeyFile(path));
  } catch (cause) {
    if (cause instanceof VaultError) throw cause;
    const reason = cause instanceof Error ? cause.message : "unknown error";
    throw new VaultError("unavailable", `the key file cannot be used: ${reason}`, { cause });
  }
}

async function readKeyFile(path: string): Promise<Buffer | undefined> {
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
    if (size !== KEY_BYTES) {
      throw new VaultError(
        "invalid",
        `the key file ${path} has ${size} bytes instead of ${KEY_BYTES}; restore it from its backup`,
      );
    }
    const key = Buffer.alloc(KEY_BYTES);
    await file.read(key, 0, KEY_BYTES, 0);
    return key;
  } finally {
    await file.close();
  }
}

/** Complete and on disk before it has its name, so that a crash leaves no half key behind. */
async function createKeyFile(path: string): Promise<Buffer> {
  const draft = `${path}.${randomBytes(8).toString("hex")}`;
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(randomBytes(KEY_BYTES));
    await file.sync();
  } finally {
    await file.close();
  }
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
