import { join } from "node:path";
import { createLeafSealer } from "@wellapi/access-log";
import { embeddedEventsCollections } from "@wellapi/events";
import { journalCheck, journalRepositoryCollections } from "@wellapi/journal";
import type { Registry, ServiceDescriptor } from "@wellapi/service";
import type { CollectionDeclaration, Store, StoreCheck } from "@wellapi/store";
import { type Kms, keysCheck, type OpenVault, vaultCollections } from "@wellapi/vault";

/** Where the parts of an installation lie. */
export interface CheckedFolders {
  readonly dataDir: string;
  readonly journalDir: string;
  readonly publishedDir: string;
  readonly trustDomain: string;
}

/** Opens sealed fields; absent where the master key, or the file of wrapped keys, cannot be used. */
export interface Openers {
  readonly kms: Kms;
  readonly vault: OpenVault;
}

/** A store of an installation, and how its documents are checked. */
export interface CheckedStore {
  /** The path for an operator: relative to the data folder, or to the journal's. */
  readonly file: string;
  readonly path: string;
  readonly collections: readonly CollectionDeclaration[];
  check(store: Store, openers: Openers): Promise<StoreCheck>;
}

/**
 * Every store of an exchange in one process; those of the services in the order of a shutdown. Keys come first: if a
 * key is damaged, much else does not open.
 */
export function checkedStores(folders: CheckedFolders, registry: Registry): readonly CheckedStore[] {
  const { dataDir, journalDir } = folders;
  return [
    {
      file: "keys/patient-keys.db",
      path: join(dataDir, "keys", "patient-keys.db"),
      collections: vaultCollections,
      check: async (_store, { kms }) => keysCheck(kms),
    },
    {
      file: "events.db",
      path: join(dataDir, "events.db"),
      collections: embeddedEventsCollections,
      check: async () => ({ collections: embeddedEventsCollections, documents: {} }),
    },
    ...registry.services.toReversed().flatMap((service) => storeOf(service, folders)),
    {
      file: "journal.db",
      path: join(journalDir, "journal.db"),
      collections: journalRepositoryCollections,
      check: (reads, { kms }) => journalCheck(reads, kms),
    },
  ];
}

function storeOf({ name, store: declared }: ServiceDescriptor, folders: CheckedFolders): CheckedStore[] {
  if (declared === undefined) return [];
  const { dataDir, publishedDir, trustDomain } = folders;
  const logFolders = { directory: join(dataDir, "log"), publishedDirectory: publishedDir };
  return [
    {
      file: `${name}.db`,
      path: join(dataDir, `${name}.db`),
      collections: declared.collections,
      check: async (store, { kms, vault }) => {
        const sealer = await createLeafSealer({ kms, service: name });
        return declared.check({ store, kms, vault, sealer, trustDomain, logFolders });
      },
    },
  ];
}

/** Services that have a reserve for entries. */
export function reservesOf(registry: Registry): readonly string[] {
  return registry.services.filter(({ needs }) => needs.includes("access_log")).map(({ name }) => name);
}
