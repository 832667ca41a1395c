import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Logger } from "@wellapi/runtime";
import { type KeyFile, type OpenKms, openLocalKms, VaultError } from "@wellapi/vault";
import type { DataFolder } from "../data-folder.ts";
import { HostError } from "../errors.ts";
import { passphraseOf } from "./passphrase.ts";
import { copiesOf, draftsOf, ensureInstallation, keyInFolder, masterKeyPath } from "./place.ts";
import type { MasterKeySettings } from "./settings.ts";
import { openToken, type TokenSettings } from "./token.ts";

/** What opens the master key. */
export type MasterKey = KeyFile | MasterToken;

/** `create`: at a first start, which makes the key in the token. */
export interface MasterToken {
  readonly token: TokenSettings;
  readonly create: boolean;
}

/**
 * The token, or the key's file for a start, with a folder around it that only its owner may look into. A first start makes the file
 * when it opens it. Throws HostError `keys_missing` where there is data but no key, `master_key` where the file cannot
 * be there or be opened.
 */
export async function prepareMasterKey(settings: MasterKeySettings, folder: DataFolder): Promise<MasterKey> {
  try {
    ensureInstallation(folder.path);
  } catch (cause) {
    // On a full disk, an installation of before starts without: its key is found without it.
    if (cause instanceof HostError || masterKeyPath(settings, folder.path) === undefined) throw cause;
  }
  if (settings.token !== undefined) {
    folder.checkKeys(undefined);
    return { token: settings.token, create: !existsSync(folder.keyStore) };
  }
  const path = masterKeyPath(settings, folder.path)!;
  folder.checkKeys(path);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HostError(
      "master_key",
      `the master key cannot be kept in ${dirname(path)} (${reason}): name a file for it with WELLAPI_MASTER_KEY_FILE, apart from the data`,
      { cause },
    );
  }
  return keyFileAt(path, settings.passphraseFile);
}

/** The file with its passphrase, where it has one. Throws HostError `master_key`. */
export async function keyFileAt(path: string, passphraseFile: string | undefined): Promise<KeyFile> {
  return { path, passphrase: await explained(() => passphraseOf(path, passphraseFile)) };
}

/** Throws HostError `master_key` with one line that says what to do. */
export function openMasterKey(masterKey: MasterKey): Promise<OpenKms> {
  return explained<OpenKms>(() =>
    "path" in masterKey ? openLocalKms(masterKey) : openToken(masterKey.token, masterKey.create),
  );
}

/** Errors of a key's file concern whoever starts a process. */
export async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof VaultError)) throw cause;
    throw new HostError("master_key", cause.message, { cause });
  }
}

/** One line where the key, or a copy of it, lies in the data folder although nobody has chosen that. */
export function warnOfKeyInFolder({ file, token }: MasterKeySettings, dataDir: string, log: Logger): void {
  const path = keyInFolder(dataDir);
  if (token !== undefined || file === path || copiesOf(path).length + draftsOf(path).length === 0) return;
  log.warn(
    { reason: "MASTER_KEY_IN_DATA" },
    `the master key lies in ${dataDir}: whoever copies the folder can read everything; stop, and run: wellapi master-key move`,
  );
}
