/** More than a batch has items: 64. A rank stays exact for the first 10^12 commits of a patient. */
const ITEMS = 4_096;

/**
 * Which of two samples of a series is the later one, as one number: by the commit that stored it, then by its item's
 * position in the batch. Samples of one item have one rank, and hide each other never.
 */
export function rankOf(sequence: number, item: number): number {
  return sequence * ITEMS + item;
}

/** The commit sequence of a rank. */
export function sequenceOf(rank: number): number {
  return Math.floor(rank / ITEMS);
}
