import type { Change, Store, Stored } from "@wellapi/store";
import type { ReceiptDocument } from "../blocks/documents.ts";

export function loadReceipt(
  store: Store,
  partition: string,
  receipt: string,
): Promise<Stored<ReceiptDocument> | undefined> {
  return store.get<ReceiptDocument>("receipts", [partition, receipt]);
}

/** The receipt of a batch. */
export async function findReceiptOfBatch(
  store: Store,
  partition: string,
  batch: string,
): Promise<Stored<ReceiptDocument> | undefined> {
  const { documents } = await store.scan<ReceiptDocument>("receipts", {
    index: "by_batch",
    equals: [partition, batch],
    limit: 1,
  });
  return documents[0];
}

export function receiptChange(read: Stored<ReceiptDocument> | undefined, document: ReceiptDocument): Change {
  return read === undefined
    ? { kind: "insert", collection: "receipts", document }
    : { kind: "replace", collection: "receipts", document, ifRevision: read.revision };
}
