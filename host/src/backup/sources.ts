import { existsSync } from "node:fs";
import { copyFile, open, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { reserveIsEmpty } from "@wellapi/access-log";
import { copySqliteFile, type SqliteStore, StoreError } from "@wellapi/store";
import type { DataFolder } from "../data-folder.ts";
import { HostError } from "../errors.ts";
import { installationFile } from "../master-key/place.ts";
import type { BackupSource } from "./take.ts";

/** A running exchange: each store copies itself while it works. */
export function runningSource(options: {
  readonly trustDomain: string;
  readonly folder: DataFolder;
  /** By the names of their files, without `.db`. */
  readonly stores: ReadonlyMap<string, SqliteStore>;
  readonly checkpoint: () => Promise<string | undefined>;
}): BackupSource {
  const { trustDomain, folder, stores, checkpoint } = options;
  return {
    trustDomain,
    checkpoint,
    async copy(file, to) {
      if (!file.endsWith(".db")) return copyPlain(join(folder.path, file), to);
      const store = stores.get(basename(file, ".db"));
      await store?.copyTo(to);
      return store !== undefined;
    },
  };
}

/** The files of an exchange that does not run. */
export function stoppedSource(options: {
  readonly trustDomain: string;
  readonly path: string;
  readonly checkpointFile: string;
}): BackupSource {
  const { trustDomain, path, checkpointFile } = options;
  return {
    trustDomain,
    checkpoint: () => readFile(checkpointFile, "utf8").catch(() => undefined),
    async copy(file, to) {
      const from = join(path, file);
      if (!existsSync(from)) return false;
      if (!file.endsWith(".db")) return copyPlain(from, to);
      try {
        await copySqliteFile(from, to);
      } catch (cause) {
        if (!(cause instanceof StoreError && cause.code === "locked")) throw cause;
        const message = `a WellAPI that runs on ${path} does not answer: stop it for the backup`;
        throw new HostError("data_in_use", message, { cause });
      }
      return true;
    },
  };
}

/**
 * The installation id, or leaves that the store could not take. Those are copied before the store, so none is missing; one
 * that is in both counts once.
 */
async function copyPlain(from: string, to: string): Promise<boolean> {
  if (!existsSync(from)) return false;
  if (basename(from) !== installationFile && (await reserveIsEmpty(from))) return false;
  await copyFile(from, to);
  const file = await open(to, "r+");
  try {
    await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
  return true;
}
