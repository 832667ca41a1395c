import { emptyRoot, growTiles, leafHash, nodeHash, type ReadTile, type Tile } from "../src/index.ts";

/** MTH of RFC 6962 section 2.1 written down as the RFC defines it: slow, recursive, obviously right. */
export function referenceRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return emptyRoot();
  if (leaves.length === 1) return leaves[0]!;
  const k = split(leaves.length);
  return nodeHash(referenceRoot(leaves.slice(0, k)), referenceRoot(leaves.slice(k)));
}

/** PATH of section 2.1.1, likewise. */
export function referencePath(m: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length <= 1) return [];
  const k = split(leaves.length);
  return m < k
    ? [...referencePath(m, leaves.slice(0, k)), referenceRoot(leaves.slice(k))]
    : [...referencePath(m - k, leaves.slice(k)), referenceRoot(leaves.slice(0, k))];
}

/** SUBPROOF of section 2.1.2, likewise; PROOF(m, D) is SUBPROOF(m, D, true). */
export function referenceSubproof(m: number, leaves: readonly Uint8Array[], whole = true): Uint8Array[] {
  if (m === leaves.length) return whole ? [] : [referenceRoot(leaves)];
  const k = split(leaves.length);
  return m <= k
    ? [...referenceSubproof(m, leaves.slice(0, k), whole), referenceRoot(leaves.slice(k))]
    : [...referenceSubproof(m - k, leaves.slice(k), false), referenceRoot(leaves.slice(0, k))];
}

function split(n: number): number {
  return 2 ** Math.floor(Math.log2(n - 1));
}

/** Leaf hashes of the entries of `golden/README.md`, which are also transparency-dev/merkle's. */
export function numberedLeaves(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => leafHash(Uint8Array.of(i & 0xff, (i >> 8) & 0xff)));
}

/** Tiles kept by place; a fuller version replaces a partial one, as a log may do. */
export class TileShelf {
  readonly #tiles = new Map<string, Tile>();
  reads = 0;

  put(tiles: readonly Tile[]): void {
    for (const tile of tiles) this.#tiles.set(`${tile.level}/${tile.index}`, tile);
  }

  readonly read: ReadTile = async (level, index, width) => {
    this.reads++;
    const tile = this.#tiles.get(`${level}/${index}`);
    if (tile === undefined || tile.width < width) throw new Error(`no tile ${level}/${index} of ${width}`);
    return tile.bytes;
  };
}

export function shelfOf(leaves: readonly Uint8Array[]): TileShelf {
  const shelf = new TileShelf();
  shelf.put(growTiles(0, [], leaves).changed);
  return shelf;
}

export function hex(hashes: readonly Uint8Array[]): string[] {
  return hashes.map((hash) => Buffer.from(hash).toString("hex"));
}

export function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

/** A copy of `bytes` with one bit turned, `bit` counted modulo their length. */
export function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  const at = bit % (bytes.length * 8);
  copy[at >>> 3] = copy[at >>> 3]! ^ (1 << (at & 7));
  return copy;
}
