import { MerkleError } from "./errors.ts";
import { assertTreeSize, foldSubtrees, isTreeSize, subtreeCount } from "./subtree.ts";
import { emptyRoot, HASH_BYTES, isHash, nodeHash } from "./tree-hash.ts";

/**
 * All that is needed to append to a tree and know its root: its size and the roots of its perfect subtrees,
 * largest (leftmost) first, one for each 1 in the size's binary form. Immutable; the hashes are shared between
 * frontiers and must not be written to.
 */
export interface Frontier {
  readonly size: number;
  readonly hashes: readonly Uint8Array[];
}

export const EMPTY_FRONTIER: Frontier = Object.freeze({ size: 0, hashes: Object.freeze([]) });

/**
 * The frontier after these leaf hashes (not entries), in order. Pure; about one hash computed a leaf. Throws
 * `invalid_argument` if one is not 32 bytes: nothing is appended then.
 */
export function appendLeafHashes(frontier: Frontier, leafHashes: readonly Uint8Array[]): Frontier {
  assertTreeSize(frontier.size + leafHashes.length, "the new size");
  const stack = [...frontier.hashes];
  let size = frontier.size;
  for (const leaf of leafHashes) {
    if (!isHash(leaf)) throw new MerkleError("invalid_argument", "a leaf hash must have 32 bytes");
    let node = leaf;
    // As in binary addition, each trailing 1 of the size is a carry: two subtrees of one height become one.
    for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) node = nodeHash(stack.pop()!, node);
    stack.push(node);
    size++;
  }
  return { size, hashes: stack };
}

/** The Merkle tree hash of RFC 6962 section 2.1, 32 bytes. */
export function frontierRoot(frontier: Frontier): Uint8Array {
  return frontier.size === 0 ? emptyRoot() : foldSubtrees(frontier.hashes);
}

/** Bytes for storage: the size as big-endian uint64, then the hashes, largest subtree first. */
export function encodeFrontier(frontier: Frontier): Uint8Array {
  assertTreeSize(frontier.size, "size");
  if (frontier.hashes.length !== subtreeCount(frontier.size) || !frontier.hashes.every(isHash))
    throw new MerkleError("invalid_argument", "the frontier's hashes do not fit its size");
  const bytes = new Uint8Array(8 + frontier.hashes.length * HASH_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(frontier.size));
  frontier.hashes.forEach((hash, i) => {
    bytes.set(hash, 8 + i * HASH_BYTES);
  });
  return bytes;
}

/** The inverse of `encodeFrontier`. Copies. Throws `tile_invalid` on any other length or size. */
export function decodeFrontier(bytes: Uint8Array): Frontier {
  if (bytes.length < 8) throw new MerkleError("tile_invalid", "a frontier has at least 8 bytes");
  const size = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0));
  if (!isTreeSize(size)) throw new MerkleError("tile_invalid", "the frontier's size is above 2^53-1");
  const count = subtreeCount(size);
  if (bytes.length !== 8 + count * HASH_BYTES)
    throw new MerkleError("tile_invalid", `a frontier of size ${size} has ${count} hashes`);
  const hashes: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const from = bytes.byteOffset + 8 + i * HASH_BYTES;
    hashes.push(new Uint8Array(bytes.buffer, from, HASH_BYTES).slice());
  }
  return { size, hashes };
}
