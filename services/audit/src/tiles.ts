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
  type TileRef,
} from "@wellapi/merkle";
import { createBoundedCache } from "@wellapi/runtime";
import { AuditError, damagedEntries } from "./errors.ts";
import { entriesOf } from "./log-entries.ts";
import type { LogHealth } from "./log-health.ts";

/** Tiles of the log, made from its entries on demand. */
export interface Tiles {
  /** The first `width` hashes of a tile. The tile must be within the tree. Throws `log_damaged`. */
  readonly hashes: ReadTile;
  /**
   * The first `width` entries beneath a tile of level 0, compared with that tile where it is kept. Throws `log_damaged`
   * where one of them is not what was written.
   */
  entryBundle(index: number, width: number): Promise<Uint8Array>;
  /** Throws `log_damaged` where the entry is not what was written. Its tile is compared where it is kept. */
  assertEntry(index: number): Promise<void>;
  /** A full tile as it lies in the cache; undefined where it is not there. */
  kept(level: number, index: number): Promise<Uint8Array | undefined>;
  /** Deletes a damaged file of the cache. */
  discard(level: number, index: number): Promise<void>;
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
  readonly health: LogHealth;
  /** A bundle differs from its tile: one of them is damaged. */
  readonly onDifference: () => void;
  /** Gets each tile that cannot be stored; the tile is served nevertheless. */
  readonly onCacheFailure: (error: unknown) => void;
}): Tiles {
  const { directory, health } = options;
  /** Roots of full tiles, which are the hashes of the level above. Oldest out first. */
  const roots = createBoundedCache<Uint8Array>({ name: "tile-roots", capacity: MAX_ROOTS });

  const pathOf = (level: number, index: number) => tileFile(directory, level, index);
  const kept = (level: number, index: number) => keptTile(directory, level, index);

  async function hashes(level: number, index: number, width: number): Promise<Uint8Array> {
    const cached = await kept(level, index);
    if (cached !== undefined) return cached.subarray(0, width * HASH_BYTES);
    const tile = await compute(level, index, width);
    // A tile that was made from entries which nobody has compared with the tree would hide their damage.
    const mayKeep = width === TILE_WIDTH && health.checked();
    if (mayKeep) await keep(pathOf(level, index), tile).catch(options.onCacheFailure);
    return tile;
  }

  async function compute(level: number, index: number, width: number): Promise<Uint8Array> {
    const first = index * TILE_WIDTH;
    if (level === 0) {
      health.assertHashes(first, first + width);
      const entries = await entriesOf(options, first, first + width);
      return Buffer.concat(
        entries.map((entry, i) => {
          const known = health.leafHashOf(first + i);
          if (known === undefined && entry === undefined) throw damagedEntries(first + i, first + i + 1);
          return known ?? leafHash(entry!);
        }),
      );
    }
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

  /** Entries [start, end), of one tile. */
  async function wholeEntries(start: number, end: number): Promise<readonly Uint8Array[]> {
    health.assertEntries(start, end);
    const entries = await entriesOf(options, start, end);
    const tile = await kept(0, Math.floor(start / TILE_WIDTH));
    const damaged = firstDamaged(entries, tile?.subarray((start % TILE_WIDTH) * HASH_BYTES));
    if (damaged === undefined) return entries as readonly Uint8Array[];
    options.onDifference();
    throw damagedEntries(start + damaged, start + damaged + 1);
  }

  return {
    hashes,
    kept,
    async entryBundle(index, width) {
      const first = index * TILE_WIDTH;
      return encodeEntryBundle(await wholeEntries(first, first + width));
    },
    async assertEntry(index) {
      await wholeEntries(index, index + 1);
    },
    async discard(level, index) {
      roots.clear();
      await rm(pathOf(level, index), { force: true });
    },
  };
}

function tileFile(directory: string, level: number, index: number): string {
  return join(directory, formatTilePath({ kind: "hashes", level, index, width: TILE_WIDTH }));
}

/** A full tile as it lies in the cache; undefined where it is not there, or was cut short. */
export async function keptTile(
  directory: string,
  level: number,
  index: number,
): Promise<Uint8Array | undefined> {
  const cached = await readFile(tileFile(directory, level, index)).catch(() => undefined);
  return cached?.length === TILE_WIDTH * HASH_BYTES ? cached : undefined;
}

/** The position of the first entry that is missing, or whose hash is another one than there. */
function firstDamaged(
  entries: ReadonlyArray<Uint8Array | undefined>,
  hashes: Uint8Array | undefined,
): number | undefined {
  const at = entries.findIndex((entry, i) => {
    const right = hashes?.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
    return entry === undefined || (right !== undefined && Buffer.compare(right, leafHash(entry)) !== 0);
  });
  return at < 0 ? undefined : at;
}

/** Makes the full ones of these tiles where they are missing; those whose hashes are not known are left out. */
export async function keepFullTiles(
  tiles: Tiles,
  refs: readonly TileRef[],
  pace: () => Promise<void> = async () => {},
): Promise<void> {
  for (const { level, index, width } of refs) {
    if (width < TILE_WIDTH || (await tiles.kept(level, index)) !== undefined) continue;
    try {
      await tiles.hashes(level, index, width);
    } catch (error) {
      // The check reports it.
      if (!(error instanceof AuditError && error.code === "log_damaged")) throw error;
    }
    await pace();
  }
}
