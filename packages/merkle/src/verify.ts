import { MerkleError } from "./errors.ts";
import { isTreeSize } from "./subtree.ts";
import { emptyRoot, hashesEqual, isHash, nodeHash } from "./tree-hash.ts";

/**
 * What an inclusion proof claims. The verifier computes `leafHash` from its own entry; `root` and `size` come from a
 * trusted checkpoint.
 */
export interface InclusionClaim {
  readonly leafHash: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** What a consistency proof claims: the tree `to` begins with the tree `from`. Both roots come from checkpoints. */
export interface ConsistencyClaim {
  readonly from: { readonly size: number; readonly root: Uint8Array };
  readonly to: { readonly size: number; readonly root: Uint8Array };
  readonly proof: readonly Uint8Array[];
}

// A tree of 2^53 leaves has paths of 53 hashes, and a consistency proof one more.
const MAX_PROOF_HASHES = 54;

/**
 * Returns if the proof holds (RFC 9162 section 2.1.3.2); else throws `proof_invalid`, and nothing else,
 * whatever the values are. As a tree's root does not bind its size, `size` must come with `root`.
 */
export function verifyInclusion(claim: InclusionClaim): void {
  const { leafHash, index, size, root, proof } = claim;
  assertClaim(isTreeSize(index) && isTreeSize(size) && index < size, "the index is not in the tree");
  assertClaim(isHash(leafHash) && isHash(root), "a hash has 32 bytes");
  assertProofHashes(proof);

  let node = index;
  let last = size - 1;
  let hash = leafHash;
  for (const sibling of proof) {
    assertClaim(last > 0, "the proof is too long");
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      // The last node of a level may have no sibling there: climb to where it has one, on its left.
      while (node % 2 === 0 && node > 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  assertClaim(last === 0, "the proof is too short");
  assertClaim(hashesEqual(hash, root), "the proof leads to another root");
}

/**
 * Returns if the proof holds (RFC 9162 section 2.1.4.2); else throws `proof_invalid`, and nothing else,
 * whatever the values are. Every tree begins with the empty one: `from.size` 0 needs the empty root and an
 * empty proof, and equal sizes need equal roots and an empty proof.
 */
export function verifyConsistency(claim: ConsistencyClaim): void {
  const { from, to, proof } = claim;
  assertClaim(isTreeSize(from?.size) && isTreeSize(to?.size), "a size is an integer from 0 to 2^53-1");
  assertClaim(isHash(from.root) && isHash(to.root), "a hash has 32 bytes");
  assertClaim(from.size <= to.size, "the newer tree is smaller");
  assertProofHashes(proof);
  for (const tree of [from, to])
    assertClaim(tree.size > 0 || hashesEqual(tree.root, emptyRoot()), "a tree of size 0 has another root");
  if (from.size === 0 || from.size === to.size) {
    assertClaim(proof.length === 0, "the proof is too long");
    assertClaim(from.size < to.size || hashesEqual(from.root, to.root), "two roots of one size");
    return;
  }

  let node = from.size - 1;
  let last = to.size - 1;
  while (node % 2 === 1) [node, last] = [(node - 1) / 2, Math.floor(last / 2)];
  // If the old tree is perfect, its root is the first node, and the proof leaves it out.
  const [first, ...rest] = node === 0 ? [from.root, ...proof] : proof;
  assertClaim(first !== undefined, "the proof is too short");
  let oldHash = first;
  let newHash = first;
  for (const sibling of rest) {
    assertClaim(last > 0, "the proof is too long");
    if (node % 2 === 1 || node === last) {
      oldHash = nodeHash(sibling, oldHash);
      newHash = nodeHash(sibling, newHash);
      while (node % 2 === 0 && node > 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      newHash = nodeHash(newHash, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  assertClaim(last === 0, "the proof is too short");
  assertClaim(hashesEqual(oldHash, from.root), "the proof leads to another older root");
  assertClaim(hashesEqual(newHash, to.root), "the proof leads to another newer root");
}

function assertProofHashes(proof: readonly Uint8Array[]): void {
  assertClaim(Array.isArray(proof) && proof.length <= MAX_PROOF_HASHES, "the proof is no list of hashes");
  assertClaim(proof.every(isHash), "a hash of the proof has not 32 bytes");
}

function assertClaim(holds: boolean, message: string): asserts holds {
  if (!holds) throw new MerkleError("proof_invalid", message);
}
