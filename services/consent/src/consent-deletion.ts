import type { Entry } from "@wellapi/journal";
import type { CollectionDeclaration, Document, IndexValue, Store } from "@wellapi/store";
import {
  type CurrentDocument,
  consentRevisions,
  consents,
  currentConsents,
  endedDocument,
  isEnded,
} from "./consent-documents.ts";
import type { ConsentRepository } from "./consent-repository.ts";
import { deathReports } from "./death/death-documents.ts";
import { emergencyAccesses } from "./emergency/emergency-documents.ts";
import { ConsentError } from "./errors.ts";
import { deletionObligations, deletionTimers } from "./obligations/obligation-documents.ts";
import { consentAskings, consentRequests } from "./requests/request-documents.ts";
import type { LeafOf } from "./revocation.ts";
import { rightsRequests } from "./rights/rights-documents.ts";

/** How many documents a commit deletes. */
const deletedAtOnce = 64;

export interface ConsentDeletion {
  /**
   * Deletes what is stored of an erased patient's consents, because their retention is over. That no consent can be granted
   * any more stays. May be repeated. The leaf is part of the last commit; false where nothing was left to delete, and no leaf
   * is committed. Throws ConsentError `not_erased`, StoreError.
   */
  delete(partition: string, leafOf: LeafOf): Promise<boolean>;
  /** Applies an entry of the journal to data that came from a backup. */
  replay(entry: Entry, leafOf: (partition: string) => LeafOf): Promise<void>;
}

export function createConsentDeletion(deps: {
  readonly store: Store;
  readonly consents: Pick<ConsentRepository, "current">;
}): ConsentDeletion {
  const { store, consents } = deps;
  return {
    async delete(partition, leafOf) {
      if (!(await consents.current(partition)).closed) throw new ConsentError("not_erased");
      return deleteAll(store, partition, leafOf);
    },
    async replay({ kind, partition }, leafOf) {
      if (kind !== "retention_ended" || !(await consents.current(partition)).closed) return;
      await deleteAll(store, partition, leafOf(partition));
    },
  };
}

async function deleteAll(store: Store, partition: string, leafOf: LeafOf): Promise<boolean> {
  for (const collection of [
    consentRevisions,
    consents,
    emergencyAccesses,
    deathReports,
    consentRequests,
    consentAskings,
    deletionTimers,
    deletionObligations,
    rightsRequests,
  ]) {
    while (await deleteSome(store, partition, collection));
  }
  for (;;) {
    const stored = await store.get<CurrentDocument>(currentConsents.name, [partition]);
    if (stored === undefined || isEnded(stored.document)) return false;
    const { revision: ifRevision } = stored;
    const document = endedDocument(partition);
    const replaced = { kind: "replace", collection: currentConsents.name, document, ifRevision } as const;
    const { committed } = await store.commit({ partition, changes: [replaced, leafOf([]).change] });
    if (committed) return true;
  }
}

/** False where nothing is left. */
async function deleteSome(
  store: Store,
  partition: string,
  { name, key }: CollectionDeclaration,
): Promise<boolean> {
  const { documents } = await store.scan<Document>(name, { equals: [partition], limit: deletedAtOnce });
  if (documents.length === 0) return false;
  const changes = documents.map(({ document }) => ({
    kind: "delete" as const,
    collection: name,
    key: key.map((field) => document[field] as IndexValue),
  }));
  await store.commit({ partition, changes });
  return true;
}
