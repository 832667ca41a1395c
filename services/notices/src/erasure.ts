import type { Change, Document, Store } from "@wellapi/store";
import { collections, type InboxDocument } from "./collections.ts";
import { touched } from "./inbox-repository.ts";

const DELETED_AT_ONCE = 500;
const ATTEMPTS = 10;

/** By the fields of their keys after the partition. */
const emptied: Readonly<Record<string, readonly string[]>> = {
  [collections.notices]: ["notice"],
  [collections.preferences]: [],
  [collections.subscriptions]: ["subscription"],
  [collections.habits]: ["organization_mac"],
  [collections.endings]: ["consent"],
  [collections.deliveries]: ["notice", "channel"],
};

/**
 * Closes the inbox of an erased patient for ever and deletes everything else of the patient. Again: the same. What is deleted was
 * sealed under a key that the erasure has destroyed. Throws StoreError.
 */
export async function eraseInbox(store: Store, partition: string): Promise<void> {
  await close(store, partition);
  for (const [collection, fields] of Object.entries(emptied)) {
    for (;;) {
      const { documents } = await store.scan<Document>(collection, {
        equals: [partition],
        limit: DELETED_AT_ONCE,
      });
      if (documents.length === 0) break;
      const changes = documents.map(({ document }): Change => {
        const key = [partition, ...fields.map((field) => document[field] as string)];
        return { kind: "delete", collection, key };
      });
      await store.commit({ partition, changes });
    }
  }
}

async function close(store: Store, partition: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const at = await store.get<InboxDocument>(collections.inboxes, [partition]);
    if (at?.document.closed) return;
    if ((await store.commit({ partition, changes: [touched(partition, at, true)] })).committed) return;
  }
  throw new Error("an inbox changes too often to be closed");
}
