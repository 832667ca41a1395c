import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  appendLeafHashes,
  EMPTY_FRONTIER,
  encodeEntryBundle,
  formatTilePath,
  frontierRoot,
  HASH_BYTES,
  leafHash,
  type ReadTile,
  TILE_WIDTH,
} from "@wellapi/merkle";
import { createBoundedCache } from "@wellapi/runtime";

/** Tiles of the log, made from its entries on demand. */
export interface Tiles {
  /** The first `width` hashes of a tile. The tile must be within the tree. */
  readonly hashes: ReadTile;
  /** The first `width` entries beneath a tile of level 0. */
  entryBundle(index: number, width: number): Promise<Uint8Array>;
  /** Forgets every cached tile. */
  clear(): Promise<void>;
}

/** A level has at most 255 full tiles beneath its partial one, and a log of 2^53 entries has 7 levels. */
const MAX_ROOTS = 7 * TILE_WIDTH;

/**
 * Full tiles never change, so they are kept as files below `directory`, named as they are served. The files are
 * a cache: one that is missing or cut short is made again. They are not synced, for the same reason.
 */
export function createTiles(options: {
  readonly directory: string;
  readonly entries: (start: number, end: number) => Promise<readonly Uint8Array[]>;
  /** Gets each tile that cannot be stored; the tile is served nevertheless. */
  readonly onCacheFailure: (error: unknown) => void;
}): Tiles {
  const { directory, entries } = options;
  /** Roots of full tiles, which are the hashes of the level above. Oldest out first. */
  const roots = createBoundedCache<Uint8Array>({ name: "tile-roots", capacity: MAX_ROOTS });

  const reads = new Set<Promise<unknown>>();

  function hashes(level: number, index: number, width: number): Promise<Uint8Array> {
    const read = readOrCompute(level, index, width);
    reads.add(read);
    const done = () => reads.delete(read);
    read.then(done, done);
    return read;
  }

  async function readOrCompute(level: number, index: number, width: number): Promise<Uint8Array> {
    const path = join(directory, formatTilePath({ kind: "hashes", level, index, width: TILE_WIDTH }));
    const cached = await readFile(path).catch(() => undefined);
    if (cached?.length === TILE_WIDTH * HASH_BYTES) return cached.subarray(0, width * HASH_BYTES);
    const tile = await compute(level, index, width);
    if (width === TILE_WIDTH) await keep(path, tile).catch(options.onCacheFailure);
    return tile;
  }

  async function compute(level: number, index: number, width: number): Promise<Uint8Array> {
    const first = index * TILE_WIDTH;
    if (level === 0) return Buffer.concat((await entries(first, first + width)).map(leafHash));
    const tile = new Uint8Array(width * HASH_BYTES);
    // One after the other: a high tile of a deleted cache is made from millions of entries.
    for (let i = 0; i < width; i++) tile.set(await rootOf(level - 1, first + i), i * HASH_BYTES);
    return tile;
  }

  async function rootOf(level: number, index: number): Promise<Uint8Array> {
    const name = `${level}/${index}`;
    const known = roots.get(name);
    if (known !== undefined) return known;
    const tile = await hashes(level, index, TILE_WIDTH);
    const row = Array.from({ length: TILE_WIDTH }, (_, i) => {
      return new Uint8Array(tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
    });
    const root = frontierRoot(appendLeafHashes(EMPTY_FRONTIER, row));
    roots.set(name, root);
    return root;
  }

  async function keep(path: string, tile: Uint8Array): Promise<void> {
    const draft = `${path}.${randomUUID()}`;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(draft, tile);
    await rename(draft, path);
  }

  return {
    hashes,
    async entryBundle(index, width) {
      const first = index * TILE_WIDTH;
      return encodeEntryBundle(await entries(first, first + width));
    },
    async clear() {
      // One failed tile ends a proof, while its other tiles are still being made, perhaps from bad entries.
      await Promise.allSettled(reads);
      roots.clear();
      await rm(join(directory, "tile"), { recursive: true, force: true });
    },
  };
}
