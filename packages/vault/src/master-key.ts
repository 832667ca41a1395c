import { randomBytes } from "node:crypto";
import type { Store } from "@wellapi/store";
import { VaultError } from "./errors.ts";
import { type MasterKey, readKeyFile, replaceKeyFile } from "./key-file.ts";
import { rewrapKeys } from "./key-repository.ts";
import type { Kms } from "./port.ts";

/**
 * Adds a wrapping key to the file. New keys are wrapped with it; the previous one still unwraps. Returns its number.
 * Where there are two already, a rotation is under way and nothing is added.
 */
export async function addMasterKey(path: string): Promise<number> {
  const { root, wrapping } = await existing(path);
  const last = wrapping.at(-1)!.number;
  if (wrapping.length > 1) return last;
  const added = { number: last + 1, bytes: randomBytes(32) };
  await replaceKeyFile(path, { root, wrapping: [...wrapping, added] });
  return added.number;
}

/**
 * Keeps only the wrapping key in use. Keys that an older one has wrapped never open again. Returns the removed
 * numbers.
 */
export async function retireMasterKeys(path: string): Promise<readonly number[]> {
  const { root, wrapping } = await existing(path);
  await replaceKeyFile(path, { root, wrapping: wrapping.slice(-1) });
  return wrapping.slice(0, -1).map(({ number }) => number);
}

async function existing(path: string): Promise<MasterKey> {
  const key = await readKeyFile(path);
  if (!key) throw new VaultError("invalid", `there is no key file ${path}`);
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
