import { MerkleError } from "./errors.ts";
import { createHashReader, type ReadTile } from "./hash-reader.ts";
import { assertTreeSize, splitPoint } from "./subtree.ts";

type Range = readonly [start: number, end: number];

/**
 * Proves that leaf `index` is in the tree of `size` leaves: PATH(index, D[size]) of RFC 6962 section 2.1.1,
 * nearest sibling first, at most 53 hashes. Tiles are read in parallel, at most two a level and each once.
 * Throws `invalid_argument` if `index >= size`.
 */
export async function inclusionProof(index: number, size: number, readTile: ReadTile): Promise<Uint8Array[]> {
  assertTreeSize(index, "index");
  assertTreeSize(size, "size");
  if (index >= size)
    throw new MerkleError("invalid_argument", `leaf ${index} is not in a tree of size ${size}`);
  return hashRanges(inclusionRanges(index, size), size, readTile);
}

/**
 * Proves that the tree of `to` leaves begins with that of `from`: PROOF(from, D[to]) of RFC 6962 section
 * 2.1.2. Empty if the sizes are equal or `from` is 0. Throws `invalid_argument` if `from > to`.
 */
export async function consistencyProof(from: number, to: number, readTile: ReadTile): Promise<Uint8Array[]> {
  assertTreeSize(from, "from");
  assertTreeSize(to, "to");
  if (from > to) throw new MerkleError("invalid_argument", `size ${from} is above size ${to}`);
  return hashRanges(from === 0 || from === to ? [] : consistencyRanges(from, to), to, readTile);
}

function hashRanges(ranges: readonly Range[], size: number, readTile: ReadTile): Promise<Uint8Array[]> {
  const reader = createHashReader(size, readTile);
  return Promise.all(ranges.map(async ([start, end]) => new Uint8Array(await reader.rangeHash(start, end))));
}

function inclusionRanges(index: number, size: number): Range[] {
  const ranges: Range[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitPoint(end - start);
    if (index < middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([start, middle]);
      start = middle;
    }
  }
  return ranges.reverse();
}

function consistencyRanges(from: number, to: number): Range[] {
  const ranges: Range[] = [];
  let start = 0;
  let end = to;
  while (end !== from) {
    const middle = start + splitPoint(end - start);
    if (from <= middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([start, middle]);
      start = middle;
    }
  }
  // If the old tree is a subtree of the new one, the verifier already has its root.
  if (start !== 0) ranges.push([start, end]);
  return ranges.reverse();
}
