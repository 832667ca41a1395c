import type { ReceiptDocument } from "../blocks/documents.ts";
import type { Batch, BatchOutcome } from "./batch.ts";
import type { EarlierBatch, Judgement } from "./judgement.ts";

/**
 * The part of a receipt that does not depend on the batch's result: opaque names, and the digest of the batch as
 * sent.
 */
export type ReceiptNames = Pick<ReceiptDocument, "receipt" | "owner" | "digest">;

/** The part of a receipt about the items of its batch. */
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

/** The additions of a commit to the receipt of a batch. */
export interface NewlyAccepted {
  /** Positions of the items. */
  readonly accepted: readonly number[];
  /** Sequence of the commit. */
  readonly sequence: number;
  /** MACs of the items' codes, if a retraction needs them. */
  readonly codes: readonly string[];
}

/** The receipt after a commit: accepted items stay accepted. */
export function nextReceipt(
  place: ReceiptNames & Pick<ReceiptDocument, "partition" | "batch">,
  earlier: ReceiptDocument | undefined,
  items: number,
  { accepted, sequence, codes }: NewlyAccepted,
): ReceiptDocument {
  const all = [...(earlier === undefined ? [] : earlierBatch(earlier).accepted), ...accepted];
  return {
    ...place,
    accepted: acceptedBitmap(items, all),
    sequences: [...(earlier?.sequences ?? []), ...(accepted.length > 0 ? [sequence] : [])],
    codes: [...new Set([...(earlier?.codes ?? []), ...codes])],
    ...(earlier?.retraction === undefined ? {} : { retraction: earlier.retraction }),
  };
}

/** The answer to a batch, from its stored receipt. */
export function outcomeOf(
  { requestId }: Pick<Batch, "requestId">,
  judgements: readonly Judgement[],
  { sequences, batch }: ReceiptDocument,
): BatchOutcome {
  const sequence = sequences.at(-1) ?? 0;
  return { requestId, batch: sequence === 0 ? undefined : batch, judgements, sequence };
}
