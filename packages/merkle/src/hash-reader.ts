import { MerkleError } from "./errors.ts";
import type { Frontier } from "./frontier.ts";
import { assertTreeSize, foldSubtrees, perfectRoot, type SubtreeRef, subtreesOf } from "./subtree.ts";
import { TILE_WIDTH, tileHashes } from "./tile.ts";
import { emptyRoot, HASH_BYTES } from "./tree-hash.ts";

/**
 * Fetches tile `index` of `level` with at least `width` hashes: a fuller version of the same tile, from a tree
 * that has grown since, will do. Its bytes are trusted for proofs to be true, but a proof made from wrong
 * bytes fails to verify. A rejection passes through unchanged.
 */
export type ReadTile = (level: number, index: number, width: number) => Promise<Uint8Array>;

/** Hashes of the tree of one size. Each tile is read once in a reader's life, so use one for each request. */
export interface HashReader {
  readonly size: number;
  /** Merkle tree hash over the leaves [start, end), which must be a range of the RFC 6962 recursion. */
  rangeHash(start: number, end: number): Promise<Uint8Array>;
  /** Roots of the perfect subtrees over [start, end), left to right. */
  subtreeHashes(start: number, end: number): Promise<Uint8Array[]>;
}

const TREE_LEVELS_PER_TILE = 8;

/** Reads the tree of `size` leaves out of tiles. The reader's methods throw `tile_invalid` on a bad length. */
export function createHashReader(size: number, readTile: ReadTile): HashReader {
  assertTreeSize(size, "size");
  const tiles = new Map<string, Promise<Uint8Array[]>>();

  function hashesOfTile(level: number, index: number): Promise<Uint8Array[]> {
    const key = `${level}/${index}`;
    let pending = tiles.get(key);
    if (pending === undefined) {
      const nodes = Math.floor(size / TILE_WIDTH ** level);
      pending = readHashes(readTile, level, index, Math.min(TILE_WIDTH, nodes - index * TILE_WIDTH));
      tiles.set(key, pending);
    }
    return pending;
  }

  async function subtreeHash({ level, index }: SubtreeRef): Promise<Uint8Array> {
    const tileLevel = Math.floor(level / TREE_LEVELS_PER_TILE);
    const width = 2 ** (level % TREE_LEVELS_PER_TILE);
    const first = index * width;
    const hashes = await hashesOfTile(tileLevel, Math.floor(first / TILE_WIDTH));
    const offset = first % TILE_WIDTH;
    return perfectRoot(hashes.slice(offset, offset + width));
  }

  function subtreeHashes(start: number, end: number): Promise<Uint8Array[]> {
    if (start < 0 || start > end || end > size)
      return Promise.reject(new MerkleError("invalid_argument", "the range is not within the tree"));
    return Promise.all(subtreesOf(start, end).map(subtreeHash));
  }

  return {
    size,
    subtreeHashes,
    async rangeHash(start, end) {
      return start === end ? emptyRoot() : foldSubtrees(await subtreeHashes(start, end));
    },
  };
}

/** The frontier of the tree of `size` leaves, rebuilt from its tiles (for a restart, or to check a stored one). */
export async function readFrontier(size: number, readTile: ReadTile): Promise<Frontier> {
  const hashes = await createHashReader(size, readTile).subtreeHashes(0, size);
  // Copies: the hashes may be views of tiles that the reader's owner will reuse.
  return { size, hashes: hashes.map((hash) => new Uint8Array(hash)) };
}

async function readHashes(readTile: ReadTile, level: number, index: number, width: number) {
  const bytes = await readTile(level, index, width);
  if (
    bytes.length < width * HASH_BYTES ||
    bytes.length > TILE_WIDTH * HASH_BYTES ||
    bytes.length % HASH_BYTES !== 0
  )
    throw new MerkleError(
      "tile_invalid",
      `tile ${level}/${index} has ${bytes.length} bytes, not ${width} hashes`,
    );
  return tileHashes({ bytes });
}
