import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { open, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Env } from "@wellapi/runtime";
import { copyMasterKey, isKeyFileSealed, type KeyFile } from "@wellapi/vault";
import { syncFolder } from "../backup/manifest.ts";
import { parseExchangeConfig } from "../config.ts";
import { HostError } from "../errors.ts";
import { explained, keyFileAt } from "./open.ts";
import { newPassphrase } from "./passphrase.ts";
import {
  copiesOf,
  draftsOf,
  ensureInstallation,
  isInFolder,
  keyInFolder,
  masterKeyPath,
  usualPath,
} from "./place.ts";
import { withKeyStore } from "./rotation.ts";

export interface MasterKeyMove {
  readonly from: string;
  readonly to: string;
  readonly sealed: boolean;
  /** The setting without which a start would not find it. */
  readonly setting: string | undefined;
}

export interface MasterKeyMoveOptions {
  readonly env: Env;
  /** Default: WELLAPI_MASTER_KEY_FILE, or the user's configuration folder. */
  readonly to?: string | undefined;
  /** Seals the file with a new passphrase: that of this file, or one that is asked for. */
  readonly seal?: { readonly file: string | undefined } | undefined;
}

/**
 * Moves the master key's file, with the copies that `retire` left beside it, and leaves none in the data folder. A file
 * that is sealed stays sealed. Killed at any moment it leaves an installation that starts; run again, it completes.
 * Throws HostError, `data_in_use` where an exchange runs.
 */
export async function moveMasterKey(options: MasterKeyMoveOptions): Promise<MasterKeyMove> {
  const { dataDir: folder, masterKey: settings } = parseExchangeConfig(options.env);
  const dataDir = resolve(folder);
  if (settings.token)
    throw new HostError("master_key", "a token holds the master key: there is no file to move");
  const from = existingPath(settings, dataDir);
  ensureInstallation(dataDir);
  const to = resolve(options.to ?? settings.file ?? usualPath(settings, dataDir)!);
  const before = await keyFileAt(from, settings.passphraseFile);
  const passphrase = options.seal ? await newPassphrase(options.seal.file) : before.passphrase;
  const target: KeyFile = { path: to, passphrase };
  if (passphrase === undefined && isInFolder(to, dataDir)) {
    throw new HostError("master_key", `${to} lies in the data folder: name a file elsewhere, or seal it`);
  }
  await withKeyStore(dataDir, () => move(before, target, keyInFolder(dataDir)));
  const found = masterKeyPath(settings, dataDir) === to;
  return {
    from,
    to,
    sealed: passphrase !== undefined,
    setting: found ? undefined : `WELLAPI_MASTER_KEY_FILE=${to}`,
  };
}

function existingPath(settings: Parameters<typeof masterKeyPath>[0], dataDir: string): string {
  const inFolder = keyInFolder(dataDir);
  const named = masterKeyPath(settings, dataDir);
  // A file that is named and not there yet is the target.
  const path = named !== undefined && existsSync(named) ? named : inFolder;
  if (existsSync(path)) return path;
  throw new HostError("keys_missing", `there is no master key at ${named ?? inFolder}`);
}

/** First every copy is on disk at its new place, then the old ones go. */
async function move(from: KeyFile, to: KeyFile, inFolder: string): Promise<void> {
  mkdirSync(dirname(to.path), { recursive: true, mode: 0o700 });
  const old = [...new Set([from.path, inFolder])].filter((path) => existsSync(dirname(path)));
  const copied: string[] = [];
  for (const path of old) {
    for (const name of copiesOf(path)) {
      const source = join(dirname(path), name);
      const target = join(dirname(to.path), basename(to.path) + name.slice(basename(path).length));
      const inUse = path === from.path ? "from" : "to";
      await explained(async () => {
        const passphrase = (await isKeyFileSealed(source)) ? from.passphrase : undefined;
        await copyMasterKey({ path: source, passphrase }, { path: target, passphrase: to.passphrase }, inUse);
      });
      if (source !== target) copied.push(source);
    }
  }
  const drafts = old.flatMap((path) => draftsOf(path).map((name) => join(dirname(path), name)));
  for (const path of [...copied, ...drafts]) await remove(path);
}

/** Overwrites the bytes first, where the file system writes in place. Under its own name the file is whole or gone. */
async function remove(path: string): Promise<void> {
  const draft = join(
    dirname(path),
    `${basename(path).replace(/\.[0-9a-f]{16}$/, "")}.${randomBytes(8).toString("hex")}`,
  );
  await rename(path, draft);
  await syncFolder(dirname(path));
  const { size } = await stat(draft);
  const file = await open(draft, "r+");
  try {
    await file.write(Buffer.alloc(size), 0, size, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await unlink(draft);
  await syncFolder(dirname(path));
}
