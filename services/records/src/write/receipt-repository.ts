import type { Change, Store, Stored } from "@wellapi/store";
import type { ReceiptDocument } from "../blocks/documents.ts";
import type { EarlierBatch } from "./judgement.ts";

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

export function earlierBatch(document: ReceiptDocument): EarlierBatch {
  const accepted = new Set<number>();
  document.accepted.forEach((byte, at) => {
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) accepted.add(at * 8 + bit);
  });
  return { accepted, retracted: document.retraction !== undefined };
}

/** A bitmap in which bit `i` says that item `i` was accepted. */
export function acceptedBitmap(items: number, accepted: Iterable<number>): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(items / 8));
  for (const item of accepted) bitmap[item >> 3]! |= 1 << (item & 7);
  return bitmap;
}
