import { existsSync, mkdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { StoreDescriptor } from "@wellapi/service";
import { type CollectionDeclaration, openSqliteStore, type SqliteStore, StoreError } from "@wellapi/store";
import { HostError } from "./errors.ts";
import { isInFolder } from "./master-key/place.ts";

/** Room for some thousand revocations on a full disk. */
const RESERVE_BYTES = 4 * 1024 * 1024;

/** As the store's descriptor says. */
export type HowOpened = Pick<StoreDescriptor, "survivesFullDisk" | "sharesThread">;

/** Where an installation's files lie. Only its owner may look inside. */
export interface DataFolder {
  readonly path: string;
  /** Wrapped keys of patients, apart from the data and outside its backups. */
  readonly keyStore: string;
  /** Of the log's tiles. */
  readonly logFolder: string;
  /** Folder of the reserves: disk space that was taken in advance. */
  readonly reserves: string;
  reserve(service: string): string;
  /**
   * Opens the store of this name, or at this path. A store that must work on a full disk has a reserve file there.
   * Throws HostError `data_in_use`.
   */
  open(name: string, collections: readonly CollectionDeclaration[], how?: HowOpened): Promise<SqliteStore>;
  /**
   * Throws HostError `keys_missing` if the data exists without the keys that open it, or the master key's file, if it
   * is in one, is not there.
   */
  checkKeys(masterKey: string | undefined): void;
}

export function prepareDataFolder(path: string): DataFolder {
  const root = resolve(path);
  const folder = (name: string) => {
    const made = join(root, name);
    mkdirSync(made, { recursive: true, mode: 0o700 });
    return made;
  };
  try {
    const keys = folder("keys");
    const reserves = folder("reserves");
    return {
      path: root,
      keyStore: join(keys, "patient-keys.db"),
      logFolder: folder("log"),
      reserves,
      checkKeys(masterKey) {
        const patientKeys = join(root, "keys", "patient-keys.db");
        // A first start makes the master key, then these, in this order.
        const hasData = existsSync(join(root, "identity.db"));
        if (!hasData && !existsSync(patientKeys)) return;
        const missing = [masterKey, hasData ? patientKeys : undefined]
          .filter((path) => path !== undefined && !existsSync(path))
          .map((path) => path!)
          .map((path) => (isInFolder(path, root) ? relative(root, path) : path));
        if (missing.length === 0) return;
        throw new HostError(
          "keys_missing",
          `${root} holds data, but not ${missing.join(" and ")}: put back the newest there is, for nothing opens without it`,
        );
      },
      reserve: (service) => join(reserves, `${service}.leaves`),
      async open(name, collections, { survivesFullDisk = false, sharesThread = false } = {}) {
        const file = name.includes("/") ? name : join(root, `${name}.db`);
        try {
          const reserve = { path: join(reserves, `${name}.room`), bytes: RESERVE_BYTES };
          const room = survivesFullDisk ? { reserve } : {};
          const thread = sharesThread ? "shared" : "own";
          return await openSqliteStore({ path: file, collections, thread, ...room });
        } catch (cause) {
          if (cause instanceof StoreError && cause.code === "locked") {
            throw new HostError(
              "data_in_use",
              `another WellAPI already runs on ${root}: stop it, or set WELLAPI_DATA_DIR to another folder`,
              { cause },
            );
          }
          throw cause;
        }
      },
    };
  } catch (cause) {
    throw new HostError(
      "data_folder",
      `cannot use ${root} for data (${cause instanceof Error ? cause.message : cause}): set WELLAPI_DATA_DIR to a folder that you may write to`,
      { cause },
    );
  }
}

/**
 * Folder of the log's published files and keys: beside the journal, because it must also outlive the data.
 */
export function publishedFolder(journalDir: string): string {
  return join(journalDir, "log");
}
