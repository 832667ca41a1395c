import { join } from "node:path";
import { createLeafSealer } from "@wellapi/access-log";
import { auditCheck, auditCollections } from "@wellapi/audit";
import { consentCheck, consentCollections } from "@wellapi/consent";
import { embeddedEventsCollections } from "@wellapi/events";
import { identityCheck, identityCollections } from "@wellapi/identity";
import { journalCheck, journalRepositoryCollections } from "@wellapi/journal";
import { recordsCheck, recordsCollections } from "@wellapi/records";
import type { CollectionDeclaration, Store, StoreCheck } from "@wellapi/store";
import { type Kms, keysCheck, type OpenVault, vaultCollections } from "@wellapi/vault";

/** Where the parts of an installation lie. */
export interface CheckedFolders {
  readonly dataDir: string;
  readonly journalDir: string;
  readonly publishedDir: string;
  readonly trustDomain: string;
}

/** What opens what is sealed; absent where the master key, or the file of wrapped keys, cannot be used. */
export interface Openers {
  readonly kms: Kms;
  readonly vault: OpenVault;
}

/** A store of an installation, and how its documents are looked at. */
export interface CheckedStore {
  /** As an operator finds it: relative to the data folder, or to the journal's. */
  readonly file: string;
  readonly path: string;
  readonly collections: readonly CollectionDeclaration[];
  check(store: Store, openers: Openers): Promise<StoreCheck>;
}

/** Every store of an exchange in one process. Keys come first: with one that is damaged much else does not open. */
export function checkedStores(folders: CheckedFolders): readonly CheckedStore[] {
  const { dataDir, journalDir, publishedDir, trustDomain } = folders;
  const data = (name: string) => ({ file: `${name}.db`, path: join(dataDir, `${name}.db`) });
  const leafSealer = (kms: Kms, service: string) => createLeafSealer({ kms, service });
  return [
    {
      file: "keys/patient-keys.db",
      path: join(dataDir, "keys", "patient-keys.db"),
      collections: vaultCollections,
      check: async (_store, { kms }) => keysCheck(kms),
    },
    {
      ...data("records"),
      collections: recordsCollections,
      check: async (reads, { kms, vault }) =>
        recordsCheck({ reads, vault, sealer: await leafSealer(kms, "records") }),
    },
    {
      ...data("events"),
      collections: embeddedEventsCollections,
      check: async () => ({ collections: embeddedEventsCollections, documents: {} }),
    },
    {
      ...data("consent"),
      collections: consentCollections,
      check: async (_store, { kms }) => consentCheck({ sealer: await leafSealer(kms, "consent") }),
    },
    {
      ...data("identity"),
      collections: identityCollections,
      check: async (_store, { kms, vault }) =>
        identityCheck({ vault, kms, sealer: await leafSealer(kms, "identity") }),
    },
    {
      ...data("audit"),
      collections: auditCollections,
      check: (store, { kms, vault }) =>
        auditCheck({
          store,
          vault,
          kms,
          trustDomain,
          directory: join(dataDir, "log"),
          publishedDirectory: publishedDir,
        }),
    },
    {
      file: "journal.db",
      path: join(journalDir, "journal.db"),
      collections: journalRepositoryCollections,
      check: (reads, { kms }) => journalCheck(reads, kms),
    },
  ];
}

/** Services that have a reserve for entries. */
export const reserves = ["records", "consent", "identity"] as const;
