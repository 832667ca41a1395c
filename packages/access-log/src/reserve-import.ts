import type { Store } from "@wellapi/store";
import { decodeLeafDocument, type LeafDocument, leavesCollection } from "./leaf.ts";
import type { Reserve } from "./reserve.ts";

const IMPORT_AT_ONCE = 200;

/**
 * Moves the records of the reserve into the outbox. Resolves with how many leaves it moved. Throws StoreError; the
 * rest stays.
 */
export async function importReserve(store: Store, reserve: Reserve): Promise<number> {
  const records = reserve.held();
  for (let start = 0; start < records.length; start += IMPORT_AT_ONCE) {
    const some = records.slice(start, start + IMPORT_AT_ONCE);
    await Promise.all(some.map((record) => importRecord(store, decodeLeafDocument(record))));
    await reserve.release(some.length);
  }
  return records.length;
}

/** A leaf may be there already: the commit that seemed to fail may have happened. */
async function importRecord(store: Store, document: LeafDocument): Promise<void> {
  const { partition } = document;
  const { name: collection } = leavesCollection;
  await store.commit({ partition, changes: [{ kind: "insert", collection, document }] });
}
