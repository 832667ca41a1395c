import { existsSync } from "node:fs";
import { copyFile, open } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Env } from "@wellapi/runtime";
import { openSqliteStore, type SqliteStore, StoreError } from "@wellapi/store";
import {
  addMasterKey,
  type KeyFile,
  retireMasterKeys,
  rewrapPatientKeys,
  vaultCollections,
} from "@wellapi/vault";
import { keyFile } from "../backup/take.ts";
import { parseExchangeConfig } from "../config.ts";
import { HostError } from "../errors.ts";
import { explained, keyFileAt, openMasterKey } from "./open.ts";
import { keyInFolder, masterKeyPath } from "./place.ts";

export interface MasterKeyOptions {
  readonly env: Env;
  /** Default: that of an exchange that is started with `env`. */
  readonly masterKey?: string | undefined;
  /** The store of patients' wrapped keys; default: that of the data folder. */
  readonly keys?: string | undefined;
}

export interface MasterKeyRotation {
  readonly masterKey: string;
  /** Number of the current wrapping key. */
  readonly number: number;
  /** How many patients' keys this run rewrapped. */
  readonly rewrapped: number;
}

/**
 * Adds a key to the master key's file, which wraps from now on, and rewraps every patient's key with it. May be
 * repeated: it completes a run that was cut short. Services rewrap their own keys at their next start. Throws
 * HostError if another process has the keys open.
 */
export async function rotateMasterKey(options: MasterKeyOptions): Promise<MasterKeyRotation> {
  const { file, keys } = await filesOf(options);
  return withStore(keys, async (store) => {
    const number = await explained(() => addMasterKey(file));
    return { masterKey: file.path, number, rewrapped: await rewrap(file, store) };
  });
}

/** Removes the previous keys from the file; a copy of it stays beside it. The same rules. */
export async function retireMasterKey(
  options: MasterKeyOptions,
): Promise<{ readonly numbers: readonly number[]; readonly copy: string }> {
  const { file: masterKey, keys } = await filesOf(options);
  return withStore(keys, async (store) => {
    await rewrap(masterKey, store);
    const copy = `${masterKey.path}.retired-${Date.now()}`;
    await copyFile(masterKey.path, copy);
    const file = await open(copy, "r+");
    await file.sync().finally(() => file.close());
    return { numbers: await retireMasterKeys(masterKey), copy };
  });
}

async function rewrap(masterKey: KeyFile, store: SqliteStore): Promise<number> {
  const kms = await openMasterKey(masterKey);
  try {
    return await rewrapPatientKeys({ store, kms });
  } finally {
    await kms.close();
  }
}

async function filesOf({ env, masterKey, keys }: MasterKeyOptions) {
  const config = parseExchangeConfig(env);
  const dataDir = resolve(config.dataDir);
  const paths = {
    masterKey: masterKey ?? masterKeyPath(config.masterKey, dataDir) ?? keyInFolder(dataDir),
    keys: keys ?? join(dataDir, keyFile),
  };
  for (const path of Object.values(paths)) {
    if (!existsSync(path)) throw new HostError("keys_missing", `there is no ${path}: name another`);
  }
  return {
    file: await keyFileAt(paths.masterKey, config.masterKey.passphraseFile),
    keys: paths.keys,
  };
}

/** Works while no exchange runs on the data folder, if it has patients' keys. Throws HostError `data_in_use`. */
export async function withKeyStore<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  const path = join(dataDir, keyFile);
  return existsSync(path) ? withStore(path, work) : work();
}

async function withStore<T>(path: string, work: (store: SqliteStore) => Promise<T>): Promise<T> {
  let store: SqliteStore;
  try {
    store = await openSqliteStore({ path, collections: vaultCollections });
  } catch (cause) {
    if (!(cause instanceof StoreError && cause.code === "locked")) throw cause;
    throw new HostError("data_in_use", `a WellAPI has ${path} open: stop it for this`, { cause });
  }
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
