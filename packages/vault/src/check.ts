import { type Document, findingOf, type StoreCheck } from "@wellapi/store";
import { VaultError } from "./errors.ts";
import { KEYS_COLLECTION, vaultCollections, wrapContext } from "./key-repository.ts";
import type { KeyUse, Kms } from "./port.ts";

const RESTORE_KEYS =
  "put back the newest copy of keys/patient-keys.db, or `wellapi restore` of the newest backup of keys (docs/operations.md, Damage)";

/** Checks that every patient's wrapped key unwraps. Without the data key nothing of the patient can be read. */
export function keysCheck(kms: Kms): StoreCheck {
  return {
    collections: vaultCollections,
    documents: {
      async [KEYS_COLLECTION](document: Document) {
        const { partition, use, version, wrapped } = document as WrappedDocument;
        if (wrapped === undefined) return undefined;
        try {
          (await kms.unwrap(wrapped, wrapContext(partition, use, version))).fill(0);
          return undefined;
        } catch (error) {
          if (!(error instanceof VaultError)) throw error;
          const means =
            use === "data"
              ? "nothing of one patient can be read, and nothing can be stored for them"
              : "the accesses of one patient cannot be shown; those that the log has published can still be proven";
          const said = { what: "a wrapped key does not unwrap", means, remedy: RESTORE_KEYS };
          return findingOf(KEYS_COLLECTION, [partition, use, version], said);
        }
      },
    },
  };
}

type WrappedDocument = Document & {
  readonly use: KeyUse;
  readonly version: number;
  readonly wrapped?: Uint8Array;
};
