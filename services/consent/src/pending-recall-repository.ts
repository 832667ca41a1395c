import type { Change, CollectionDeclaration, Document, Store } from "@wellapi/store";
import type { RecallScope } from "./consent.ts";
import type { ScopeSealing } from "./scope-sealing.ts";

/** A recall that was owed when its change was committed. */
export interface PendingRecall {
  readonly partition: string;
  readonly recall: string;
  readonly scope: RecallScope;
}

/** Its scope is sealed, because it names organizations. A replica of the version before stores it in clear. */
type PendingDocument = Document & { readonly recall: string } & (
    | { readonly sealed: Uint8Array; readonly scope?: undefined }
    | { readonly scope: RecallScope; readonly sealed?: undefined }
  );

export const pendingRecalls: CollectionDeclaration = {
  name: "pending_recalls",
  key: ["partition", "recall"],
  indexes: [{ name: "by_recall", fields: ["recall"], unique: true }],
};

/** Recalls that are not complete. Throws StoreError. */
export interface PendingRecallRepository {
  /** For the commit of the change that makes the recall necessary. */
  insert(recall: PendingRecall): Change;
  oldest(limit: number): Promise<PendingRecall[]>;
  done(recall: PendingRecall): Promise<void>;
}

export function createPendingRecallRepository(store: Store, scopes: ScopeSealing): PendingRecallRepository {
  const placeOf = (partition: string, recall: string) => [pendingRecalls.name, partition, recall];
  return {
    insert({ partition, recall, scope }) {
      const document = { partition, recall, sealed: scopes.seal(placeOf(partition, recall), scope) };
      return { kind: "insert", collection: pendingRecalls.name, document };
    },
    async oldest(limit) {
      const page = await store.scan<PendingDocument>(pendingRecalls.name, {
        index: "by_recall",
        equals: [],
        limit,
      });
      return page.documents.map(({ document: { partition, recall, ...stored } }) => {
        const scope = stored.scope ?? scopes.open(placeOf(partition, recall), stored.sealed);
        return { partition, recall, scope };
      });
    },
    async done({ partition, recall }) {
      const change = { kind: "delete", collection: pendingRecalls.name, key: [partition, recall] } as const;
      await store.commit({ partition, changes: [change], useReserve: true });
    },
  };
}
