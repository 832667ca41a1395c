import { randomBytes } from "node:crypto";
import type { Store } from "@wellapi/store";
import { VaultError } from "./errors.ts";
import { type KeyFile, type MasterKey, readKeyFile, replaceKeyFile } from "./key-file.ts";
import { rewrapKeys } from "./key-repository.ts";
import type { Kms } from "./port.ts";

/**
 * Adds a wrapping key to the file. New keys are wrapped with it; the previous one still unwraps. Returns its number.
 * Where there are two already, a rotation is under way and nothing is added.
 */
export async function addMasterKey(file: KeyFile): Promise<number> {
  const { root, wrapping } = await existing(file);
  const last = wrapping.at(-1)!.number;
  if (wrapping.length > 1) return last;
  const added = { number: last + 1, bytes: randomBytes(32) };
  await replaceKeyFile(file, { root, wrapping: [...wrapping, added] });
  return added.number;
}

/**
 * Keeps only the wrapping key in use. Keys that an older one has wrapped never open again. Returns the removed
 * numbers.
 */
export async function retireMasterKeys(file: KeyFile): Promise<readonly number[]> {
  const { root, wrapping } = await existing(file);
  await replaceKeyFile(file, { root, wrapping: wrapping.slice(-1) });
  return wrapping.slice(0, -1).map(({ number }) => number);
}

/**
 * Writes the key of one file into another, which is on disk when this resolves; the first one stays. Where both are one
 * file, it is written anew: that seals it, or changes its passphrase. Where the other file is there already, `inUse` says
 * which of the two counts. Throws `invalid` where the other file holds another master key, or where the one that does not
 * count holds a newer wrapping key: without that, what it wrapped would never open again.
 */
export async function copyMasterKey(
  from: KeyFile,
  to: KeyFile,
  inUse: "from" | "to" = "from",
): Promise<void> {
  const key = await existing(from);
  const there = to.path === from.path ? undefined : await readKeyFile(to);
  if (there !== undefined) {
    if (!there.root.equals(key.root)) {
      throw new VaultError(
        "invalid",
        `${to.path} holds another master key than ${from.path}: name another file`,
      );
    }
    const [kept, dropped] = inUse === "from" ? [key, there] : [there, key];
    if (dropped.wrapping.at(-1)!.number > kept.wrapping.at(-1)!.number) {
      const newer = inUse === "from" ? to.path : from.path;
      throw new VaultError("invalid", `${newer} holds a newer key than the file in use: start with that one`);
    }
    if (inUse === "to") return;
  }
  await replaceKeyFile(to, key);
}

async function existing(file: KeyFile): Promise<MasterKey> {
  const key = await readKeyFile(file);
  if (!key) throw new VaultError("invalid", `there is no key file ${file.path}`);
  return key;
}

/**
 * Rewraps every patient's key that an older master key has wrapped, and scrubs the old ones from the store's files.
 * May be repeated after a crash. Returns how many keys it rewrapped.
 */
export async function rewrapPatientKeys(deps: { readonly store: Store; readonly kms: Kms }): Promise<number> {
  const count = await rewrapKeys(deps.store, deps.kms);
  // Also where nothing is left to wrap: an earlier run may have stopped before the scrub.
  await deps.store.scrub();
  return count;
}
