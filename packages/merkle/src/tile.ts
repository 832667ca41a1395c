import { MerkleError } from "./errors.ts";
import { assertTreeSize, perfectRoot } from "./subtree.ts";
import { HASH_BYTES, isHash } from "./tree-hash.ts";

/** Hashes in a full tile (C2SP tlog-tiles: tiles of height 8). */
export const TILE_WIDTH = 256;

/**
 * A tile's place: hash i of tile `index` at tile level `level` is node `index * 256 + i` of tree level
 * `level * 8`. `width` is the number of hashes, 1 to 256; below 256 the tile is partial.
 */
export interface TileRef {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** A tile with its content: `width` hashes of 32 bytes, end to end. */
export interface Tile extends TileRef {
  readonly bytes: Uint8Array;
}

export interface TileGrowth {
  /** New and changed tiles, lowest level first, then by index. Write all of them before the checkpoint. */
  readonly changed: readonly Tile[];
  /** The partial tiles of the new tree: give them to the next `growTiles`. */
  readonly partial: readonly Tile[];
}

/** The partial tiles of a tree of this size, lowest level first; at most one a level. */
export function partialTiles(size: number): TileRef[] {
  assertTreeSize(size, "size");
  const tiles: TileRef[] = [];
  for (let level = 0, nodes = size; nodes > 0; level++, nodes = Math.floor(nodes / TILE_WIDTH)) {
    const width = nodes % TILE_WIDTH;
    if (width > 0) tiles.push({ level, index: Math.floor(nodes / TILE_WIDTH), width });
  }
  return tiles;
}

/** The tiles that a tree of size `to` has and a tree of size `from` has not, lowest level first, by index. */
export function tilesOfGrowth(from: number, to: number): TileRef[] {
  assertTreeSize(from, "from");
  assertTreeSize(to, "to");
  if (from > to) throw new MerkleError("invalid_argument", "a log never shrinks");
  const tiles: TileRef[] = [];
  for (let level = 0, before = from, after = to; after > before; level++) {
    for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < after; index++)
      tiles.push({ level, index, width: Math.min(TILE_WIDTH, after - index * TILE_WIDTH) });
    before = Math.floor(before / TILE_WIDTH);
    after = Math.floor(after / TILE_WIDTH);
  }
  return tiles;
}

/**
 * Grows the tiles of a tree of `size` leaves by `leafHashes`, about one hash computed a leaf. Pure.
 * `partial` holds the old tree's partial tiles, exactly those of `partialTiles(size)`, in any order: their
 * bytes decide the new tiles, so read them from the store or keep those of the last growth. Throws
 * `tile_invalid` if one is missing, is not of this size or has another length.
 */
export function growTiles(
  size: number,
  partial: readonly Tile[],
  leafHashes: readonly Uint8Array[],
): TileGrowth {
  assertTreeSize(size + leafHashes.length, "the new size");
  if (!leafHashes.every(isHash)) throw new MerkleError("invalid_argument", "a leaf hash must have 32 bytes");
  const edge = checkedPartialTiles(size, partial);
  const changed: Tile[] = [];
  let added = leafHashes;
  for (let level = 0, nodes = size; added.length > 0; level++, nodes = Math.floor(nodes / TILE_WIDTH)) {
    const old = edge.get(level);
    const row = old === undefined ? added : [...tileHashes(old), ...added];
    const firstIndex = Math.floor(nodes / TILE_WIDTH);
    edge.delete(level);
    const completed: Uint8Array[] = [];
    for (let start = 0; start < row.length; start += TILE_WIDTH) {
      const hashes = row.slice(start, start + TILE_WIDTH);
      const tile = createTile(level, firstIndex + start / TILE_WIDTH, hashes);
      changed.push(tile);
      if (tile.width === TILE_WIDTH) completed.push(perfectRoot(hashes));
      else edge.set(level, tile);
    }
    added = completed;
  }
  return { changed, partial: [...edge.values()].sort((a, b) => a.level - b.level) };
}

/** The hashes of a tile, as views of its bytes. */
export function tileHashes(tile: { readonly bytes: Uint8Array }): Uint8Array[] {
  const hashes: Uint8Array[] = [];
  for (let at = 0; at + HASH_BYTES <= tile.bytes.length; at += HASH_BYTES)
    hashes.push(tile.bytes.subarray(at, at + HASH_BYTES));
  return hashes;
}

function createTile(level: number, index: number, hashes: readonly Uint8Array[]): Tile {
  const bytes = new Uint8Array(hashes.length * HASH_BYTES);
  hashes.forEach((hash, i) => {
    bytes.set(hash, i * HASH_BYTES);
  });
  return { level, index, width: hashes.length, bytes };
}

function checkedPartialTiles(size: number, partial: readonly Tile[]): Map<number, Tile> {
  const edge = new Map(partial.map((tile) => [tile.level, tile]));
  const expected = partialTiles(size);
  if (partial.length !== expected.length)
    throw new MerkleError("tile_invalid", `a tree of size ${size} has ${expected.length} partial tiles`);
  for (const { level, index, width } of expected) {
    const tile = edge.get(level);
    if (tile?.index !== index || tile.width !== width || tile.bytes.length !== width * HASH_BYTES)
      throw new MerkleError("tile_invalid", `the partial tile at level ${level} is not that of size ${size}`);
  }
  return edge;
}
