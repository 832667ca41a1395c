/** More than a batch has items: 64. A rank stays exact for the first 10^12 commits of a patient. */
const ITEMS = 4_096;

/**
 * The order of two samples of a series, as one number: by the commit that stored them, then by the item's position in
 * the batch. The later one has the higher rank. Samples of one item have one rank, and never hide each other.
 */
export function rankOf(sequence: number, item: number): number {
  return sequence * ITEMS + item;
}

/** The commit sequence of a rank. */
export function sequenceOf(rank: number): number {
  return Math.floor(rank / ITEMS);
}
