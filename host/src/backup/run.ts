import { join, resolve } from "node:path";
import { type Env, systemClock } from "@wellapi/runtime";
import { parseExchangeConfig } from "../config.ts";
import { publishedFolder } from "../data-folder.ts";
import { keyInFolder, masterKeyPath } from "../master-key/place.ts";
import { askRunning } from "./control.ts";
import type { BackupContent, Manifest } from "./manifest.ts";
import { restoreBackup } from "./restore.ts";
import { stoppedSource } from "./sources.ts";
import { takeBackup } from "./take.ts";

/**
 * Backs up the data folder of `env` into a new folder: by the exchange that runs on it, or from its files if none
 * runs. Throws ConfigError and HostError.
 */
export async function runBackup(options: {
  readonly env: Env;
  readonly folder: string;
  readonly content: BackupContent;
}): Promise<Manifest> {
  const { content } = options;
  const folder = resolve(options.folder);
  const { dataDir, journalDir, trustDomain } = parseExchangeConfig(options.env);
  const made = await askRunning(dataDir, { command: "backup", content, folder });
  if (made !== undefined) return made;
  const path = resolve(dataDir);
  const checkpointFile = join(publishedFolder(journalDir), "checkpoint");
  return takeBackup(stoppedSource({ trustDomain, path, checkpointFile }), {
    folder,
    content,
    clock: systemClock,
  });
}

/** Restores a backup into the data folder of `env`. Throws ConfigError and HostError. */
export async function runRestore(options: { readonly env: Env; readonly folder: string }): Promise<{
  readonly manifest: Manifest;
  readonly dataDir: string;
  readonly journalDir: string;
  /** Where a start looks for the master key. */
  readonly masterKey: string;
}> {
  const { dataDir, journalDir, masterKey } = parseExchangeConfig(options.env);
  const manifest = await restoreBackup(resolve(options.folder), dataDir);
  return {
    manifest,
    dataDir: resolve(dataDir),
    journalDir: resolve(journalDir),
    masterKey: masterKeyPath(masterKey, dataDir) ?? keyInFolder(dataDir),
  };
}
