import { MerkleError } from "./errors.ts";
import { nodeHash } from "./tree-hash.ts";

// Sizes and indexes are numbers up to 2^53 - 1 (a thousand entries a second for 285,000 years). JavaScript's
// bit operators cut to 32 bits, so this file divides instead.

/** A perfect subtree: node `index` at `level`, over the leaves [index * 2^level, (index + 1) * 2^level). */
export interface SubtreeRef {
  readonly level: number;
  readonly index: number;
}

/** True for an integer between 0 and 2^53 - 1. */
export function isTreeSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Throws `invalid_argument` unless `value` is an integer between 0 and 2^53 - 1. */
export function assertTreeSize(value: number, name: string): void {
  if (!isTreeSize(value))
    throw new MerkleError("invalid_argument", `${name} must be an integer from 0 to 2^53-1`);
}

/** The largest power of two strictly below `n`: where RFC 6962 splits a tree of `n` >= 2 leaves. */
export function splitPoint(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** How many perfect subtrees a tree of this size falls into: the number of ones in its binary form. */
export function subtreeCount(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/**
 * The perfect subtrees that cover the leaves [start, end), left (largest) to right. `start` must be a multiple
 * of the largest of them, as it is for every range that occurs in a proof.
 */
export function subtreesOf(start: number, end: number): SubtreeRef[] {
  const subtrees: SubtreeRef[] = [];
  let position = start;
  while (position < end) {
    let level = 0;
    let width = 1;
    while (width * 2 <= end - position) {
      width *= 2;
      level++;
    }
    subtrees.push({ level, index: position / width });
    position += width;
  }
  return subtrees;
}

/** Root over adjacent perfect subtrees, largest first: they are folded from the right. */
export function foldSubtrees(hashes: readonly Uint8Array[]): Uint8Array {
  let root = hashes.at(-1);
  if (root === undefined) throw new MerkleError("invalid_argument", "no subtrees to fold");
  for (let i = hashes.length - 2; i >= 0; i--) root = nodeHash(hashes[i]!, root);
  return root;
}

/** Root of the perfect tree over 2^n hashes, given as leaf or node hashes of one level. */
export function perfectRoot(hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes;
  while (row.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < row.length; i += 2) above.push(nodeHash(row[i]!, row[i + 1]!));
    row = above;
  }
  return row[0]!;
}
