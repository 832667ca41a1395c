import type { Change, Store } from "@wellapi/store";
import { dataKeyOf, type Vault } from "@wellapi/vault";
import { collections, type HabitDocument } from "./collections.ts";
import { organizationMac, type Place, seal, unseal } from "./sealing.ts";
import type { Habit } from "./unusual.ts";

/** How organizations usually read of a patient. Throws StoreError, VaultError. */
export interface HabitRepository {
  /** `keep` gives the change that stores its successor. Undefined where the patient's key is destroyed. */
  find(
    partition: string,
    organization: string,
  ): Promise<
    { readonly habit: Habit | undefined; keep(next: Habit): Promise<Change | undefined> } | undefined
  >;
}

export function createHabitRepository(store: Store, vault: Pick<Vault, "key">): HabitRepository {
  const { habits: collection } = collections;
  return {
    async find(partition, organization) {
      const mac = await dataKeyOf(vault, partition).then((key) => key && organizationMac(key, organization));
      if (mac === undefined) return undefined;
      const stored = await store.get<HabitDocument>(collection, [partition, mac]);
      const key = await dataKeyOf(vault, partition);
      if (key === undefined) return undefined;
      const habit = stored && unseal<Habit>(key, placeOf(partition, mac), stored.document.sealed);
      return {
        habit,
        async keep(next) {
          const sealing = await dataKeyOf(vault, partition);
          if (sealing === undefined) return undefined;
          const sealed = seal(sealing, placeOf(partition, mac), next);
          const document: HabitDocument = { partition, organization_mac: mac, sealed };
          return stored
            ? { kind: "replace", collection, document, ifRevision: stored.revision }
            : { kind: "insert", collection, document };
        },
      };
    },
  };
}

/** Throws VaultError `tampered`; nothing where the key was destroyed. */
export async function openHabit(
  vault: Pick<Vault, "key">,
  { partition, organization_mac, sealed }: HabitDocument,
): Promise<Habit | undefined> {
  const key = await dataKeyOf(vault, partition);
  return key && unseal<Habit>(key, placeOf(partition, organization_mac), sealed);
}

function placeOf(partition: string, mac: string): Place {
  return [collections.habits, partition, mac];
}
