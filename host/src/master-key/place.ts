import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { randomIds } from "@wellapi/runtime";
import { HostError } from "../errors.ts";
import type { MasterKeySettings } from "./settings.ts";

/** Tells installations of one machine apart. It lies in the data folder and in backups of the data: it is no secret. */
export const installationFile = "installation-id";

/** Where versions before put the key, and what makes a copied data folder open. */
export function keyInFolder(dataDir: string): string {
  return join(resolve(dataDir), "keys", "master.key");
}

/**
 * The key's file, or where a first start makes it: the file that the operator names; the one in the data folder, where
 * a version before made it; else a file in the user's configuration folder. Undefined where the data folder has no
 * installation id yet, which the last one needs.
 */
export function masterKeyPath(settings: MasterKeySettings, dataDir: string): string | undefined {
  const inFolder = keyInFolder(dataDir);
  if (settings.file !== undefined) return settings.file;
  return existsSync(inFolder) ? inFolder : usualPath(settings, dataDir);
}

/** In the user's configuration folder. Undefined where the data folder has no installation id yet. */
export function usualPath({ configDir }: MasterKeySettings, dataDir: string): string | undefined {
  const installation = readInstallation(dataDir);
  return installation && join(configDir, "wellapi", installation, "master.key");
}

/** Whether the file lies in the data folder. */
export function isInFolder(path: string, dataDir: string): boolean {
  return !relative(resolve(dataDir), resolve(path)).startsWith("..");
}

/** The key's file and the copies that `retire` left beside it, by their names. */
export function copiesOf(path: string): readonly string[] {
  return besides(path, /^(\.retired-\d+)?$/);
}

/** What a crash has left of a write or a removal of one of these. */
export function draftsOf(path: string): readonly string[] {
  return besides(path, /^(\.retired-\d+)?\.[0-9a-f]{16}$/);
}

function besides(path: string, rest: RegExp): readonly string[] {
  const [folder, name] = [dirname(path), basename(path)];
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((other) => other.startsWith(name) && rest.test(other.slice(name.length)));
}

/** Makes the installation id where there is none. */
export function ensureInstallation(dataDir: string): void {
  const path = join(resolve(dataDir), installationFile);
  if (readInstallation(dataDir) !== undefined) return;
  const draft = `${path}.${randomBytes(8).toString("hex")}`;
  writeFileSync(draft, `${randomIds.next("ins")}\n`, { mode: 0o600, flag: "wx", flush: true });
  try {
    // Unlike a rename, a link does not replace an id that another process has made meanwhile.
    linkSync(draft, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    unlinkSync(draft);
  }
  // Before a key is made under it: a lost id would hide the key.
  syncFolder(dirname(path));
}

function readInstallation(dataDir: string): string | undefined {
  const path = join(resolve(dataDir), installationFile);
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, "utf8").trim();
  // It becomes part of a path.
  if (/^ins_[a-z0-9]+$/.test(text)) return text;
  throw new HostError("data_folder", `${path} holds no installation id: put back the one of a backup`);
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
