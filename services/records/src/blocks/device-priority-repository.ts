import type { DamageReporter } from "@wellapi/runtime";
import type { Change, Store, Stored } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import { type DevicePriority, NO_PRIORITY } from "../model/device-priority.ts";
import { openOrReport } from "./damage.ts";
import type { DevicePriorityDocument } from "./documents.ts";
import { withBox } from "./patient-box.ts";

const collection = "device_priorities";

export interface StoredPriority {
  readonly priority: DevicePriority;
  readonly stored: Stored<DevicePriorityDocument> | undefined;
}

/** A patient's order of devices: one document, sealed. Throws DATA_DAMAGED, StoreError, VaultError. */
export interface DevicePriorityRepository {
  /** `NO_PRIORITY` before the first. */
  load(partition: string): Promise<StoredPriority>;
  /** Replaces the order that was read; refused where another one came between. The patient has a key. */
  change(partition: string, read: StoredPriority, next: DevicePriority): Promise<Change>;
}

export function createDevicePriorityRepository(
  store: Pick<Store, "get">,
  vault: Vault,
  damage: DamageReporter,
): DevicePriorityRepository {
  return {
    async load(partition) {
      const stored = await store.get<DevicePriorityDocument>(collection, [partition]);
      if (stored === undefined) return { priority: NO_PRIORITY, stored };
      const priority = await withBox(vault, partition, (box) =>
        openOrReport(damage, { collection, key: [partition] }, () => box.openPriority(stored.document)),
      );
      return { priority, stored };
    },
    async change(partition, { stored }, next) {
      const sealed = await withBox(vault, partition, (box) => box.sealPriority(partition, next));
      const document: DevicePriorityDocument = { partition, sealed };
      return stored === undefined
        ? { kind: "insert", collection, document }
        : { kind: "replace", collection, document, ifRevision: stored.revision };
    },
  };
}
