import { existsSync } from "node:fs";
import { copyFile, open } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Env } from "@wellapi/runtime";
import { openSqliteStore, type SqliteStore, StoreError } from "@wellapi/store";
import {
  addMasterKey,
  type KeyFile,
  type Pkcs11Kms,
  retireMasterKeys,
  rewrapPatientKeys,
  vaultCollections,
} from "@wellapi/vault";
import { keyFile } from "../backup/take.ts";
import { parseExchangeConfig } from "../config.ts";
import { HostError } from "../errors.ts";
import { explained, keyFileAt, type MasterKey, openMasterKey } from "./open.ts";
import { keyInFolder, masterKeyPath } from "./place.ts";
import { openToken, type TokenSettings } from "./token.ts";

export interface MasterKeyOptions {
  readonly env: Env;
  /** Default: that of an exchange that is started with `env`. */
  readonly masterKey?: string | undefined;
  /** The store of patients' wrapped keys; default: that of the data folder. */
  readonly keys?: string | undefined;
}

export interface MasterKeyRotation {
  /** Its file; undefined where a token holds it. */
  readonly masterKey: string | undefined;
  /** Number of the current wrapping key. */
  readonly number: number;
  /** How many patients' keys this run rewrapped. */
  readonly rewrapped: number;
}

/**
 * Adds a key to the master key's file, or to its token, which wraps from now on, and rewraps every patient's key with it.
 * May be repeated: it completes a run that was cut short. Services rewrap their own keys at their next start. Throws
 * HostError if another process has the keys open.
 */
export async function rotateMasterKey(options: MasterKeyOptions): Promise<MasterKeyRotation> {
  const { masterKey, keys } = await keysOf(options);
  return withStore(keys, async (store) => {
    if ("path" in masterKey) {
      const number = await explained(() => addMasterKey(masterKey));
      return { masterKey: masterKey.path, number, rewrapped: await rewrap(masterKey, store) };
    }
    return withToken(masterKey.token, async (token) => {
      const number = await token.addWrappingKey();
      return { masterKey: undefined, number, rewrapped: await rewrapPatientKeys({ store, kms: token }) };
    });
  });
}

/**
 * Removes the previous keys from the file, of which a copy stays beside it, or from the token, which keeps none. The same
 * rules.
 */
export async function retireMasterKey(
  options: MasterKeyOptions,
): Promise<{ readonly numbers: readonly number[]; readonly copy: string | undefined }> {
  const { masterKey, keys } = await keysOf(options);
  return withStore(keys, async (store) => {
    if ("path" in masterKey) return retireInFile(masterKey, store);
    return withToken(masterKey.token, async (token) => {
      await rewrapPatientKeys({ store, kms: token });
      return { numbers: await token.retireWrappingKeys(), copy: undefined };
    });
  });
}

async function retireInFile(masterKey: KeyFile, store: SqliteStore) {
  await rewrap(masterKey, store);
  const copy = `${masterKey.path}.retired-${Date.now()}`;
  await copyFile(masterKey.path, copy);
  const file = await open(copy, "r+");
  await file.sync().finally(() => file.close());
  return { numbers: await retireMasterKeys(masterKey), copy };
}

async function rewrap(masterKey: KeyFile, store: SqliteStore): Promise<number> {
  const kms = await openMasterKey(masterKey);
  try {
    return await rewrapPatientKeys({ store, kms });
  } finally {
    await kms.close();
  }
}

async function withToken<T>(settings: TokenSettings, work: (token: Pkcs11Kms) => Promise<T>): Promise<T> {
  const token = await explained(() => openToken(settings, false));
  try {
    return await work(token);
  } finally {
    await token.close();
  }
}

async function keysOf({ env, masterKey: named, keys }: MasterKeyOptions) {
  const config = parseExchangeConfig(env);
  const dataDir = resolve(config.dataDir);
  const { token, passphraseFile } = config.masterKey;
  const inToken = token !== undefined && named === undefined;
  const path = named ?? masterKeyPath(config.masterKey, dataDir) ?? keyInFolder(dataDir);
  const store = keys ?? join(dataDir, keyFile);
  for (const file of inToken ? [store] : [path, store]) {
    if (!existsSync(file)) throw new HostError("keys_missing", `there is no ${file}: name another`);
  }
  const masterKey: MasterKey = inToken
    ? { token: token!, create: false }
    : await keyFileAt(path, passphraseFile);
  return { masterKey, keys: store };
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
