import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { checkReserve, createLeafSealer } from "@wellapi/access-log";
import type { Env } from "@wellapi/runtime";
import { type Finding, openSqliteReader, RESTORE, type SqliteReader, StoreError } from "@wellapi/store";
import { openVault, VaultError } from "@wellapi/vault";
import { parseExchangeConfig } from "../config.ts";
import { publishedFolder } from "../data-folder.ts";
import { HostError } from "../errors.ts";
import { keyFileAt, openMasterKey } from "../master-key/open.ts";
import { isInFolder, keyInFolder, masterKeyPath } from "../master-key/place.ts";
import type { MasterKeySettings } from "../master-key/settings.ts";
import { services } from "../services.ts";
import { checkStore } from "./check-store.ts";
import { type CheckedFolders, type CheckedStore, checkedStores, type Openers, reservesOf } from "./stores.ts";

/** A finding with its file. */
export type FileFinding = Finding & { readonly file: string };

/** The extent of the check. Findings are reported one by one. */
export interface CheckReport {
  readonly dataDir: string;
  readonly files: ReadonlyArray<{
    readonly file: string;
    /** Documents by collection, whole or not; every declared collection is named. */
    readonly collections: Readonly<Record<string, { readonly documents: number; readonly damaged: number }>>;
    readonly findings: number;
  }>;
  readonly documents: number;
  readonly findings: number;
}

export interface CheckOptions {
  readonly env: Env;
  /** Instead of the data folder of `env`. */
  readonly dataDir?: string | undefined;
  /** Called for each finding: nothing is collected, however much is damaged. */
  readonly onFinding: (finding: FileFinding) => void;
  readonly onProgress?: (file: string, documents: number) => void;
}

/**
 * Reads every file of a stopped exchange and reports damage. Changes nothing, except that the content of a
 * write-ahead log is written back to its file. Throws ConfigError, and HostError `data_in_use` and `data_folder`.
 */
export async function runCheck(options: CheckOptions): Promise<CheckReport> {
  const { dataDir: named } = options;
  const env = named === undefined ? options.env : { ...options.env, WELLAPI_DATA_DIR: named };
  const config = parseExchangeConfig(env);
  const folders: CheckedFolders = {
    dataDir: resolve(config.dataDir),
    journalDir: resolve(config.journalDir),
    publishedDir: resolve(publishedFolder(config.journalDir)),
    trustDomain: config.trustDomain,
  };
  if (!existsSync(join(folders.dataDir, "identity.db")) && !existsSync(join(folders.dataDir, "records.db"))) {
    throw new HostError("data_folder", `${folders.dataDir} holds no exchange: name its folder with --data`);
  }
  const files: CheckReport["files"][number][] = [];
  let findings = 0;
  const tell = (file: string) => (finding: Finding) => {
    findings += 1;
    options.onFinding({ file, ...finding });
  };
  const stores = checkedStores(folders, services);
  const [keys, ...others] = stores;
  const beforeKeys = findings;
  // Stays open to the end: everything else needs it.
  const keysReader = openReader(keys!, tell(keys!.file));
  const shown = shownMasterKey(config.masterKey, folders.dataDir);
  const openers = await openOpeners(config.masterKey, folders, keysReader, tell(shown));
  try {
    const known = await checkFile(keys!, keysReader, openers, tell(keys!.file), options.onProgress);
    files.push({ file: keys!.file, collections: known, findings: findings - beforeKeys });
    for (const store of others) {
      const before = findings;
      const reader = openReader(store, tell(store.file));
      try {
        const collections = await checkFile(store, reader, openers, tell(store.file), options.onProgress);
        files.push({ file: store.file, collections, findings: findings - before });
      } finally {
        reader?.close();
      }
    }
    if (openers !== undefined) {
      for (const service of reservesOf(services)) {
        const before = findings;
        const file = `reserves/${service}.leaves`;
        const records = await checkReserveFile(join(folders.dataDir, file), service, openers, tell(file));
        files.push({
          file,
          collections: { records: { documents: records, damaged: findings - before } },
          findings: findings - before,
        });
      }
    }
  } finally {
    await openers?.close();
    keysReader?.close();
  }
  const counts = files.flatMap(({ collections }) => Object.values(collections));
  const documents = counts.reduce((sum, count) => sum + count.documents, 0);
  return { dataDir: folders.dataDir, files, documents, findings };
}

async function checkFile(
  { file, collections, check }: CheckedStore,
  reader: SqliteReader | undefined,
  openers: Openers | undefined,
  tell: (finding: Finding) => void,
  onProgress: CheckOptions["onProgress"],
) {
  if (reader === undefined) return Object.fromEntries(collections.map(({ name }) => [name, none]));
  const looks = openers && (await check(reader.store, openers));
  const progress = (documents: number) => onProgress?.(file, documents);
  return checkStore({ reader, collections, check: looks, tell, progress });
}

const none = { documents: 0, damaged: 0 };

/** Undefined if it cannot be read, which is reported. */
function openReader(
  { path, collections }: CheckedStore,
  tell: (finding: Finding) => void,
): SqliteReader | undefined {
  const means = "nothing in it can be read, and the exchange does not start";
  if (!existsSync(path)) {
    tell({ what: "the file is missing", means, remedy: RESTORE });
    return undefined;
  }
  try {
    return openSqliteReader(path, collections);
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    if (cause.code === "locked") {
      throw new HostError("data_in_use", `a WellAPI runs on ${path}: stop it for the check`, { cause });
    }
    tell({ what: cause.message, means, remedy: RESTORE });
    return undefined;
  }
}

/** For findings: the token, or the file, within the data folder if it lies there. */
function shownMasterKey(settings: MasterKeySettings, dataDir: string): string {
  if (settings.token) return `token ${settings.token.label}`;
  const path = masterKeyPath(settings, dataDir) ?? keyInFolder(dataDir);
  return isInFolder(path, dataDir) ? relative(dataDir, path) : path;
}

/** Undefined if sealed fields cannot be opened, which is reported. */
async function openOpeners(
  settings: MasterKeySettings,
  { dataDir }: CheckedFolders,
  keys: SqliteReader | undefined,
  tell: (finding: Finding) => void,
): Promise<(Openers & { close(): Promise<void> }) | undefined> {
  const means = "nothing that is sealed can be opened: none of it was looked into";
  const remedy = "put back the copy that you keep apart from the data (docs/operations.md, Damage)";
  const { token, passphraseFile } = settings;
  const path = masterKeyPath(settings, dataDir) ?? keyInFolder(dataDir);
  if (token === undefined && !existsSync(path)) {
    tell({ what: "the file is missing", means, remedy });
    return undefined;
  }
  try {
    const file = () => keyFileAt(path, passphraseFile);
    const kms = await openMasterKey(token ? { token, create: false } : await file());
    if (keys === undefined) {
      tell({ what: "it is of no use without the patients' wrapped keys", means, remedy: RESTORE });
      await kms.close();
      return undefined;
    }
    const vault = await openVault({ store: keys.store, kms });
    const close = async () => {
      await vault.close();
      await kms.close();
    };
    return { kms, vault, close };
  } catch (error) {
    const aboutKey = error instanceof HostError && error.code === "master_key";
    if (!aboutKey && !(error instanceof VaultError)) throw error;
    tell({ what: error.message, means, remedy });
    return undefined;
  }
}

async function checkReserveFile(
  path: string,
  service: string,
  { kms }: Openers,
  tell: (finding: Finding) => void,
): Promise<number> {
  // A missing file is not a finding: the next start makes one.
  if (!existsSync(path)) return 0;
  const { records, findings } = await checkReserve(path, await createLeafSealer({ kms, service }));
  for (const finding of findings) tell(finding);
  return records;
}
