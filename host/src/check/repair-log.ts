import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { auditCollections, entriesOfMirror, entriesOfStore, type LogRepair, repairLog } from "@wellapi/audit";
import type { Env } from "@wellapi/runtime";
import { openSqliteReader } from "@wellapi/store";
import { parseExchangeConfig } from "../config.ts";
import { prepareDataFolder, publishedFolder } from "../data-folder.ts";
import { HostError } from "../errors.ts";
import { openMasterKey, prepareMasterKey } from "../master-key/open.ts";

export interface RepairLogOptions {
  readonly env: Env;
  /** Instead of the data folder of `env`. */
  readonly dataDir?: string | undefined;
  /** Copies of entries: the folder of a backup, or the address of a mirror's files. */
  readonly from?: string | undefined;
}

/** Repairs the log of a stopped exchange. Throws ConfigError, and HostError `data_in_use` and `data_folder`. */
export async function runRepairLog({ env: given, dataDir, from }: RepairLogOptions): Promise<LogRepair> {
  const env = dataDir === undefined ? given : { ...given, WELLAPI_DATA_DIR: dataDir };
  const config = parseExchangeConfig(env);
  if (!existsSync(join(resolve(config.dataDir), "audit.db"))) {
    throw new HostError(
      "data_folder",
      `${resolve(config.dataDir)} holds no log: name its folder with --data`,
    );
  }
  const folder = prepareDataFolder(config.dataDir);
  const masterKey = await prepareMasterKey(config.masterKey, folder);
  const copies = openCopies(from);
  const store = await folder.open("audit", auditCollections);
  const kms = await openMasterKey(masterKey);
  try {
    return await repairLog({
      store,
      kms,
      trustDomain: config.trustDomain,
      directory: folder.logFolder,
      publishedDirectory: publishedFolder(config.journalDir),
      ...(copies && { elsewhere: copies.entries }),
    });
  } finally {
    await kms.close();
    await store.close();
    copies?.close();
  }
}

function openCopies(from: string | undefined) {
  if (from === undefined) return undefined;
  if (/^https?:/.test(from)) return { entries: entriesOfMirror(from), close: () => {} };
  const path = join(resolve(from), "audit.db");
  if (!existsSync(path)) {
    const message = `${resolve(from)} holds no copy of the log: name the folder of a backup, or a mirror's address`;
    throw new HostError("data_folder", message);
  }
  const reader = openSqliteReader(path, auditCollections);
  return { entries: entriesOfStore(reader.store), close: () => reader.close() };
}
