import { createHash, randomUUID } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize, resolve } from "node:path";
import { HostError } from "../errors.ts";
import { type BackedUpFile, type Manifest, readManifest, syncFolder, unusable } from "./manifest.ts";
import { keyFile } from "./take.ts";

/**
 * Puts a backup where an exchange can be started on it, whole or not at all: data into an empty or missing folder,
 * keys into a data folder without keys. Throws HostError `backup_unusable` if the backup is incomplete or a
 * checksum fails, `target_in_use` if the target is not empty.
 */
export async function restoreBackup(backup: string, dataDir: string): Promise<Manifest> {
  const manifest = await readManifest(backup);
  const target = resolve(dataDir);
  await (manifest.content === "data" ? restoreData : restoreKeys)(backup, target, manifest);
  return manifest;
}

async function restoreData(backup: string, target: string, { files }: Manifest): Promise<void> {
  if (existsSync(target) && (await readdir(target)).length > 0) {
    throw inUse(
      `${target} is not empty: move it away (what it holds may still be needed), or name another folder`,
    );
  }
  const draft = `${target}.restoring-${randomUUID()}`;
  try {
    await mkdir(draft, { recursive: true, mode: 0o700 });
    for (const file of files) await copyVerified(backup, draft, file);
    await rmdir(target).catch(() => {}); // an empty one; a rename does not replace it everywhere
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(dirname(target));
}

async function restoreKeys(backup: string, target: string, { files }: Manifest): Promise<void> {
  const path = join(target, keyFile);
  if (existsSync(path))
    throw inUse(`${path} is there already: move it away first, if it is not the one to use`);
  const [file] = files;
  if (file?.path !== keyFile || files.length !== 1) throw unusable(`${backup} is no backup of keys`);
  const draft = `.restoring-${randomUUID()}`;
  try {
    await copyVerified(backup, target, file, `${keyFile}${draft}`);
    await rename(`${path}${draft}`, path);
  } catch (error) {
    await rm(`${path}${draft}`, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Copies and hashes in one pass, so that the written bytes are the compared bytes. */
async function copyVerified(
  from: string,
  to: string,
  { path, bytes, sha256 }: BackedUpFile,
  as: string = path,
): Promise<void> {
  if (isAbsolute(path) || normalize(path) !== path || path.startsWith("..")) {
    throw unusable(`the manifest of ${from} names a file outside of it`);
  }
  const target = join(to, as);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const hash = createHash("sha256");
  const file = await open(target, "wx", 0o600);
  try {
    for await (const chunk of createReadStream(join(from, path))) {
      hash.update(chunk as Buffer);
      await file.writeFile(chunk as Buffer);
    }
    await file.sync();
    const { size } = await file.stat();
    if (size !== bytes || hash.digest("hex") !== sha256) {
      throw unusable(`${join(from, path)} is not what was backed up: it is damaged; take another backup`);
    }
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    throw unusable(
      `${join(from, path)} cannot be restored (${cause instanceof Error ? cause.message : cause})`,
      cause,
    );
  } finally {
    await file.close();
  }
  await syncFolder(dirname(target));
}

function inUse(message: string): HostError {
  return new HostError("target_in_use", message);
}
