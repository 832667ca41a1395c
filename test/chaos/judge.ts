/** Rules that relate the answers of clients to what they find. Pure, so that a test can plant violations. */
import type { Block } from "./batches.ts";

/** A batch that was answered with a receipt. */
export interface Ack {
  readonly number: number;
}

/** An entry of the log about one batch. */
export interface Entry {
  readonly id: string;
  readonly index: number;
  readonly number: number;
  /** Samples that this call stored. */
  readonly items: number;
}

/** Each problem a line; none where everything acked is stored once and whole. */
export function judgeStored(
  acks: Iterable<Ack>,
  sent: { has(number: number): boolean },
  blocks: readonly Block[],
): string[] {
  const problems: string[] = [];
  const found = new Set<number>();
  const named = new Map<string, number>();
  for (const { number, batch, intact } of blocks) {
    if (!intact) problems.push(`batch ${number} is not what was sent`);
    if (!sent.has(number)) problems.push(`batch ${number} was never sent`);
    if (found.has(number)) problems.push(`batch ${number} is stored twice`);
    found.add(number);
    if (named.has(batch)) problems.push(`batches ${named.get(batch)} and ${number} have one token`);
    named.set(batch, number);
  }
  for (const { number } of acks) {
    if (!found.has(number)) problems.push(`batch ${number} was acked and is lost`);
  }
  return problems;
}

/**
 * A watch may repeat what came around a cut, but what it brings for the first time comes in the order in which it was
 * stored, which is that of `blocks`.
 */
export function judgeDelivered(
  acks: Iterable<Ack>,
  deliveries: readonly Block[],
  blocks: readonly Block[],
): string[] {
  const problems: string[] = [];
  const places = new Map(blocks.map(({ number }, place) => [number, place]));
  const seen = new Set<number>();
  let newest = -1;
  for (const { number, intact } of deliveries) {
    if (!intact) problems.push(`batch ${number} was delivered damaged`);
    if (seen.has(number)) continue;
    seen.add(number);
    const place = places.get(number);
    if (place === undefined) continue; // stored after the look at what is stored
    if (place < newest) problems.push(`batch ${number} was delivered after what was stored later`);
    newest = Math.max(newest, place);
  }
  for (const { number } of acks)
    if (!seen.has(number)) problems.push(`batch ${number} was acked and never delivered`);
  return problems;
}

/** Each batch that was acked has one entry that says it was stored, and each place of the log one entry. */
export function judgeEntries(
  acks: Iterable<Ack>,
  samplesPerBatch: number,
  entries: readonly Entry[],
): string[] {
  const problems: string[] = [];
  const places = new Map<number, string>();
  const storing = new Map<number, number>();
  for (const { id, index, number, items } of entries) {
    if (index < 0) problems.push(`the entry of batch ${number} is not integrated`);
    else if (places.has(index) && places.get(index) !== id)
      problems.push(`place ${index} of the log has two entries`);
    places.set(index, id);
    if (items === 0) continue;
    if (items !== samplesPerBatch) problems.push(`the log has ${items} samples of batch ${number}`);
    storing.set(number, (storing.get(number) ?? 0) + 1);
  }
  for (const { number } of acks) {
    const count = storing.get(number) ?? 0;
    if (count !== 1) problems.push(`batch ${number} was acked and has ${count} entries that stored it`);
  }
  return problems;
}
