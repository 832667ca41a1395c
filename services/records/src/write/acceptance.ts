import { timingSafeEqual } from "node:crypto";
import type { ReceiptDocument } from "../blocks/documents.ts";
import type { Contributions } from "../gate/contribution.ts";
import { coversTimes, unite } from "../model/interval.ts";
import type { Batch } from "./batch.ts";
import { type Judgement, judge } from "./judgement.ts";
import { earlierBatch } from "./receipt.ts";

/** The result of a batch. */
export type Acceptance =
  /** Its request id belongs to an earlier batch with other content: all of it is refused. */
  | { readonly kind: "reused" }
  /** A repeated batch with nothing new to accept: it is answered, and nothing is written. */
  | {
      readonly kind: "repeated";
      readonly judgements: readonly Judgement[];
      readonly earlier: ReceiptDocument;
    }
  /** Its receipt is written, and the newly accepted items, if any. */
  | {
      readonly kind: "new";
      readonly judgements: readonly Judgement[];
      /** Positions of the newly accepted items. */
      readonly accepted: readonly number[];
      /** The patient's sequence after the batch; it grows by one if an item is accepted. */
      readonly sequence: number;
    };

/**
 * Decides the result of a batch.
 *
 * @param digest MAC of the batch as it was sent
 * @param earlier the receipt of an earlier batch with the same request id
 * @param reached the patient's sequence before the batch
 */
export function acceptanceOf(
  batch: Batch,
  digest: Uint8Array,
  contributions: Contributions,
  earlier: ReceiptDocument | undefined,
  reached: number,
): Acceptance {
  if (earlier !== undefined && !timingSafeEqual(earlier.digest, digest)) return { kind: "reused" };
  const judgements = judge(batch.items, contributions, earlier && earlierBatch(earlier));
  const accepted = [...judgements.keys()].filter((index) => judgements[index]!.status === "accepted");
  if (accepted.length === 0 && earlier !== undefined) return { kind: "repeated", judgements, earlier };
  return { kind: "new", judgements, accepted, sequence: reached + (accepted.length > 0 ? 1 : 0) };
}

/** The consent that permits an accepted item; of several, the first that permits all of it. */
export function consentOf(batch: Batch, index: number, contributions: Contributions) {
  const item = batch.items[index]!;
  const permits = contributions.get(item.code)?.permits ?? [];
  const permit =
    permits.length === 1
      ? permits[0]!
      : (permits.find((candidate) => coversTimes(unite([candidate]), item.times)) ?? permits[0]!);
  return { consent: permit.consent, version: permit.version };
}
