import type { Change, Store } from "@wellapi/store";
import { dataKeyOf, type Vault } from "@wellapi/vault";
import { collections, type PreferencesDocument } from "./collections.ts";
import { noticesError } from "./errors.ts";
import { type Preferences, usualPreferences } from "./preferences.ts";
import { type Place, seal, unseal } from "./sealing.ts";

/** Preferences and their version: 0 of a patient who has chosen none. */
export interface KeptPreferences {
  readonly preferences: Preferences;
  readonly version: number;
}

/** Throws StoreError, VaultError. */
export interface PreferencesRepository {
  get(partition: string): Promise<KeptPreferences>;
  /**
   * Replaces them by the result of `change`, which may be called several times, together with further changes. Throws what `change`
   * throws, `patient_erased` and `unavailable`.
   */
  amend(
    partition: string,
    change: (kept: KeptPreferences) => Preferences,
    commit: (changes: readonly Change[]) => Promise<boolean>,
  ): Promise<KeptPreferences>;
}

const ATTEMPTS = 10;

export function createPreferencesRepository(store: Store, vault: Pick<Vault, "key">): PreferencesRepository {
  const { preferences: collection } = collections;

  async function read(partition: string) {
    const stored = await store.get<PreferencesDocument>(collection, [partition]);
    const key = await dataKeyOf(vault, partition);
    if (stored === undefined || key === undefined) {
      return { kept: { preferences: usualPreferences, version: 0 }, stored };
    }
    const preferences = unseal<Preferences>(key, placeOf(partition), stored.document.sealed);
    return { kept: { preferences, version: stored.document.version }, stored };
  }

  return {
    async get(partition) {
      return (await read(partition)).kept;
    },
    async amend(partition, change, commit) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const { kept, stored } = await read(partition);
        const next = { preferences: change(kept), version: kept.version + 1 };
        const key = await dataKeyOf(vault, partition);
        if (key === undefined) throw noticesError("patient_erased");
        const sealed = seal(key, placeOf(partition), next.preferences);
        const document: PreferencesDocument = { partition, version: next.version, sealed };
        const made: Change = stored
          ? { kind: "replace", collection, document, ifRevision: stored.revision }
          : { kind: "insert", collection, document };
        if (await commit([made])) return next;
      }
      throw noticesError("unavailable");
    },
  };
}

/** Throws VaultError `tampered`; nothing where the key was destroyed. */
export async function openPreferences(
  vault: Pick<Vault, "key">,
  { partition, sealed }: PreferencesDocument,
): Promise<Preferences | undefined> {
  const key = await dataKeyOf(vault, partition);
  return key && unseal<Preferences>(key, placeOf(partition), sealed);
}

function placeOf(partition: string): Place {
  return [collections.preferences, partition];
}
