import {
  appendLeafHashes,
  EMPTY_FRONTIER,
  type Frontier,
  frontierRoot,
  HASH_BYTES,
  leafHash,
  TILE_WIDTH,
} from "@wellapi/merkle";

/** One damaged part of a log. */
export type LogDamage =
  /** The entry's bytes are not those of its leaf hash, which is known. */
  | { readonly kind: "entry"; readonly index: number; readonly leafHash: Uint8Array }
  /** One or more of the entries [start, end) are damaged, and no tile says which. */
  | { readonly kind: "range"; readonly start: number; readonly end: number }
  /** A tile is not the one of what lies beneath it. The entries are whole. */
  | { readonly kind: "tile"; readonly level: number; readonly index: number };

/** A perfect subtree of the stored tree: the entries [start, end), and their root. */
export interface Subtree {
  readonly start: number;
  readonly end: number;
  readonly root: Uint8Array;
}

/** A range whose damage the tiles did not locate, with the subtree that it belongs to. */
export type Unlocated = Extract<LogDamage, { kind: "range" }> & { readonly subtree: Subtree };

export type ScanStep =
  /** Entries before this index have been read. One step is at most one tile. */
  { readonly kind: "progress"; readonly entries: number } | Exclude<LogDamage, { kind: "range" }> | Unlocated;

export interface ScanOptions {
  /** Entries [start, end), at most 256 of one bundle; undefined in place of one that cannot be read. */
  readonly entries: (start: number, end: number) => Promise<ReadonlyArray<Uint8Array | undefined>>;
  /** The tree that counts. */
  readonly tree: Frontier;
  /** A full tile as it is kept or served; undefined where there is none. */
  readonly keptTile: (level: number, index: number) => Promise<Uint8Array | undefined>;
}

/** In place of the hash of an entry that is missing or does not decode: no entry has it. */
const NO_HASH = new Uint8Array(HASH_BYTES);

/**
 * Compares every entry with the tiles, and both with the stored tree. Where they differ, the side that leads to the tree is
 * right: so a damaged entry and a damaged tile are told apart. Reads one tile a step.
 */
export async function* scanLog(options: ScanOptions): AsyncGenerator<ScanStep> {
  const roots: Uint8Array[] = [];
  let located = true;
  for (const subtree of subtreesOf(options.tree)) {
    const rows = createRows();
    for (let at = subtree.start; at < subtree.end; ) {
      const end = Math.min(subtree.end, at + TILE_WIDTH);
      const full = end - at === TILE_WIDTH;
      const kept = full ? await options.keptTile(0, at / TILE_WIDTH) : undefined;
      rows.add(
        at,
        await options.entries(at, end),
        kept?.length === TILE_WIDTH * HASH_BYTES ? kept : undefined,
      );
      at = end;
      yield { kind: "progress", entries: end };
    }
    const verdict = rows.judge(subtree);
    yield* verdict.damages;
    located &&= verdict.right !== undefined;
    roots.push(...(verdict.right ?? []));
  }
  if (located) yield* scanUpperTiles(roots, options.keptTile);
}

/** The perfect subtrees of a tree, as its frontier has them: the largest first. */
export function subtreesOf({ size, hashes }: Frontier): Subtree[] {
  const subtrees: Subtree[] = [];
  let start = 0;
  for (let width = 2 ** 52; width >= 1; width /= 2) {
    if (start + width > size) continue;
    subtrees.push({ start, end: start + width, root: hashes[subtrees.length]! });
    start += width;
  }
  return subtrees;
}

/** The leaf hashes of a subtree, by its entries and by its tiles. */
function createRows() {
  let byEntries: Frontier = EMPTY_FRONTIER;
  let byTiles: Frontier = EMPTY_FRONTIER;
  const entryRoots: Uint8Array[] = [];
  const tileRoots: Uint8Array[] = [];
  const differing: { readonly index: number; readonly leafHash: Uint8Array }[] = [];
  const otherTiles: number[] = [];
  /** Blocks of entries that no tile confirms. */
  const unconfirmed: { readonly start: number; readonly end: number }[] = [];

  return {
    add(start: number, entries: ReadonlyArray<Uint8Array | undefined>, kept: Uint8Array | undefined): void {
      const hashes = entries.map((entry) => (entry === undefined ? NO_HASH : leafHash(entry)));
      const tile = kept === undefined ? hashes : hashesIn(kept);
      const before = differing.length;
      for (const [i, hash] of tile.entries()) {
        if (!same(hash, hashes[i]!)) differing.push({ index: start + i, leafHash: hash });
      }
      if (differing.length > before) otherTiles.push(start / TILE_WIDTH);
      if (kept === undefined || differing.length > before) {
        unconfirmed.push({ start, end: start + entries.length });
      }
      byEntries = appendLeafHashes(byEntries, hashes);
      byTiles = appendLeafHashes(byTiles, tile);
      if (entries.length < TILE_WIDTH) return;
      entryRoots.push(rootOf(hashes));
      tileRoots.push(rootOf(tile));
    },

    /** `right`: the roots of the subtree's tiles, where its leaf hashes are known. */
    judge(subtree: Subtree): { damages: ScanStep[]; right: Uint8Array[] | undefined } {
      if (same(frontierRoot(byTiles), subtree.root)) {
        return { damages: differing.map((one) => ({ kind: "entry", ...one })), right: tileRoots };
      }
      if (same(frontierRoot(byEntries), subtree.root)) {
        const damages = otherTiles.map((index) => ({ kind: "tile", level: 0, index }) as const);
        return { damages, right: entryRoots };
      }
      const start = unconfirmed[0]?.start ?? subtree.start;
      const end = unconfirmed.at(-1)?.end ?? subtree.end;
      return { damages: [{ kind: "range", start, end, subtree }], right: undefined };
    },
  };
}

/** Compares the full tiles of the levels above 0 with the tiles beneath them. */
async function* scanUpperTiles(
  roots: readonly Uint8Array[],
  keptTile: ScanOptions["keptTile"],
): AsyncGenerator<ScanStep> {
  let below = roots;
  for (let level = 1; below.length >= TILE_WIDTH; level++) {
    const above: Uint8Array[] = [];
    for (let index = 0; (index + 1) * TILE_WIDTH <= below.length; index++) {
      const hashes = below.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH);
      const kept = await keptTile(level, index);
      if (kept !== undefined && !same(kept, Buffer.concat(hashes))) yield { kind: "tile", level, index };
      above.push(rootOf(hashes));
    }
    below = above;
  }
}

function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  return frontierRoot(appendLeafHashes(EMPTY_FRONTIER, hashes));
}

function hashesIn(tile: Uint8Array): Uint8Array[] {
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < tile.length; at += HASH_BYTES) hashes.push(tile.subarray(at, at + HASH_BYTES));
  return hashes;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
