import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  appendLeafHashes,
  decodeEntryBundle,
  decodeFrontier,
  EMPTY_FRONTIER,
  encodeEntryBundle,
  encodeFrontier,
  frontierRoot,
  growEntryBundles,
  growTiles,
  leafHash,
  partialTiles,
  readFrontier,
  type Tile,
  tilesOfGrowth,
} from "../src/index.ts";
import { hex, numberedLeaves, referenceRoot, shelfOf, TileShelf } from "./reference-tree.ts";

const leaves = numberedLeaves(70_000);
const tileInvalid = expect.objectContaining({ name: "MerkleError", code: "tile_invalid" });
const invalidArgument = expect.objectContaining({ name: "MerkleError", code: "invalid_argument" });
/** Batch sizes that often end on a tile's edge. */
const batches = fc.array(fc.oneof(fc.nat({ max: 600 }), fc.constantFrom(0, 1, 255, 256, 257, 512)), {
  maxLength: 6,
});

describe("the frontier", () => {
  test("grown in any batches, has the root and the bytes of the tree at once", () => {
    fc.assert(
      fc.property(batches, (sizes) => {
        let frontier = EMPTY_FRONTIER;
        for (const count of sizes) {
          const batch = leaves.slice(frontier.size, frontier.size + count);
          // Through its bytes each time, as after a restart.
          frontier = decodeFrontier(encodeFrontier(appendLeafHashes(frontier, batch)));
        }
        const all = leaves.slice(0, frontier.size);
        expect(frontier).toEqual(appendLeafHashes(EMPTY_FRONTIER, all));
        expect(frontierRoot(frontier)).toEqual(referenceRoot(all));
      }),
      { numRuns: 60 },
    );
  });

  test("appending leaves the old frontier as it was", () => {
    const before = appendLeafHashes(EMPTY_FRONTIER, leaves.slice(0, 7));
    const bytes = encodeFrontier(before);
    appendLeafHashes(before, leaves.slice(7, 300));
    expect(encodeFrontier(before)).toEqual(bytes);
  });

  test("the stored form is the size and the subtree hashes", () => {
    const bytes = encodeFrontier(appendLeafHashes(EMPTY_FRONTIER, leaves.slice(0, 3)));
    expect(Buffer.from(bytes.subarray(0, 8)).toString("hex")).toBe("0000000000000003");
    expect(hex([bytes.subarray(8, 40)])).toEqual(hex([referenceRoot(leaves.slice(0, 2))]));
    expect(hex([bytes.subarray(40)])).toEqual(hex([leaves[2]!]));
  });

  test("does not share memory with the bytes it was read from", () => {
    const bytes = encodeFrontier(appendLeafHashes(EMPTY_FRONTIER, leaves.slice(0, 3)));
    const frontier = decodeFrontier(bytes);
    bytes.fill(0);
    expect(frontierRoot(frontier)).toEqual(referenceRoot(leaves.slice(0, 3)));
  });

  test("damaged bytes and impossible leaves are refused", () => {
    const good = encodeFrontier(appendLeafHashes(EMPTY_FRONTIER, leaves.slice(0, 5)));
    const huge = Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0, ...leaves[0]!); // 2^53, one subtree
    for (const bytes of [new Uint8Array(0), good.subarray(0, 71), Uint8Array.of(...good, 0), huge])
      expect(() => decodeFrontier(bytes)).toThrow(tileInvalid);
    expect(() => appendLeafHashes(EMPTY_FRONTIER, [new Uint8Array(31)])).toThrow(invalidArgument);
    expect(() => encodeFrontier({ size: 2, hashes: [] })).toThrow(invalidArgument);
    expect(() => encodeFrontier({ size: 1, hashes: [new Uint8Array(33)] })).toThrow(invalidArgument);
    for (const size of [-1, 0.5, 2 ** 53])
      expect(() => encodeFrontier({ size, hashes: [leaves[0]!] })).toThrow(invalidArgument);
    for (let length = 0; length < good.length; length++)
      expect(() => decodeFrontier(good.slice(0, length))).toThrow(tileInvalid);
  });

  test("of the largest tree there can be takes no leaf more", () => {
    const hashes = leaves.slice(0, 53);
    const largest = { size: Number.MAX_SAFE_INTEGER, hashes };
    expect(decodeFrontier(encodeFrontier(largest))).toEqual(largest);
    expect(appendLeafHashes(largest, [])).toEqual(largest);
    expect(() => appendLeafHashes(largest, [leaves[0]!])).toThrow(invalidArgument);
  });

  test("that lacks its hashes has no root", () => {
    expect(() => frontierRoot({ size: 1, hashes: [] })).toThrow(invalidArgument);
  });

  test("is read from bytes that stand within others", () => {
    const bytes = encodeFrontier(appendLeafHashes(EMPTY_FRONTIER, leaves.slice(0, 7)));
    const within = Uint8Array.of(9, 9, 9, ...bytes, 9).subarray(3, 3 + bytes.length);
    expect(decodeFrontier(within)).toEqual(decodeFrontier(bytes));
  });

  test("of nothing is one for all, and nobody can write to it", () => {
    expect(() => (EMPTY_FRONTIER.hashes as Uint8Array[]).push(leaves[0]!)).toThrow(TypeError);
    expect(() => Object.assign(EMPTY_FRONTIER, { size: 1 })).toThrow(TypeError);
    expect(EMPTY_FRONTIER).toEqual({ size: 0, hashes: [] });
  });
});

describe("tiles", () => {
  test("the specification's example: 70,000 leaves", () => {
    const all = tilesOfGrowth(0, 70_000);
    expect(all.filter((tile) => tile.level === 0 && tile.width === 256)).toHaveLength(273);
    expect(all.filter((tile) => tile.level === 1 && tile.width === 256)).toHaveLength(1);
    expect(partialTiles(70_000)).toEqual([
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ]);
    expect(tilesOfGrowth(0, 256)).toEqual([
      { level: 0, index: 0, width: 256 },
      { level: 1, index: 0, width: 1 },
    ]);
  });

  test("grown in any batches, are those of the tree at once and give back its frontier", async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (sizes) => {
        const shelf = new TileShelf();
        let size = 0;
        let partial: readonly Tile[] = [];
        for (const count of sizes) {
          const growth = growTiles(size, partial, leaves.slice(size, size + count));
          expect(growth.changed.map(place)).toEqual(tilesOfGrowth(size, size + count));
          shelf.put(growth.changed);
          size += count;
          partial = growth.partial;
          expect(partial.map(place)).toEqual(partialTiles(size));
        }
        expect(partial).toEqual(growTiles(0, [], leaves.slice(0, size)).partial);
        expect(await readFrontier(size, shelf.read)).toEqual(
          appendLeafHashes(EMPTY_FRONTIER, leaves.slice(0, size)),
        );
      }),
      { numRuns: 60 },
    );
  });

  test("of three levels give back every smaller tree", async () => {
    const shelf = shelfOf(leaves);
    for (const size of [1, 255, 256, 65_535, 65_536, 65_537, 69_888, 70_000])
      expect(await readFrontier(size, shelf.read)).toEqual(
        appendLeafHashes(EMPTY_FRONTIER, leaves.slice(0, size)),
      );
  });

  test("level 0 holds the leaf hashes, level 1 the roots of full tiles", () => {
    const { changed } = growTiles(0, [], leaves.slice(0, 300));
    expect(changed.map(place)).toEqual([
      { level: 0, index: 0, width: 256 },
      { level: 0, index: 1, width: 44 },
      { level: 1, index: 0, width: 1 },
    ]);
    expect(hex([changed[1]!.bytes.subarray(0, 32)])).toEqual(hex([leaves[256]!]));
    expect(hex([changed[2]!.bytes])).toEqual(hex([referenceRoot(leaves.slice(0, 256))]));
  });

  test("partial tiles of another size are refused", () => {
    const { partial } = growTiles(0, [], leaves.slice(0, 300));
    const short = partial.map((tile) => ({ ...tile, bytes: tile.bytes.subarray(32) }));
    const twice = [partial[0]!, partial[0]!];
    const more = leaves.slice(300, 301);
    expect(() => growTiles(301, partial, more)).toThrow(tileInvalid);
    expect(() => growTiles(300, [], more)).toThrow(tileInvalid);
    expect(() => growTiles(300, short, more)).toThrow(tileInvalid);
    expect(() => growTiles(300, twice, more)).toThrow(tileInvalid);
    expect(() => growTiles(300, partial, [new Uint8Array(33)])).toThrow(invalidArgument);
    expect(() => tilesOfGrowth(2, 1)).toThrow(invalidArgument);
  });
});

describe("entry bundles", () => {
  const entry = fc.uint8Array({ maxLength: 40 });

  test("each entry has a big-endian uint16 length", () => {
    const long = new Uint8Array(258).fill(7);
    const bytes = encodeEntryBundle([Uint8Array.of(1, 2), new Uint8Array(0), long]);
    expect([...bytes.subarray(0, 8)]).toEqual([0, 2, 1, 2, 0, 0, 1, 2]);
    expect(decodeEntryBundle(bytes, 3)).toEqual([Uint8Array.of(1, 2), new Uint8Array(0), long]);
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow(invalidArgument);
    expect(decodeEntryBundle(encodeEntryBundle([new Uint8Array(65_535)]), 1)[0]).toHaveLength(65_535);
  });

  test("round trip; another width, a cut or a trailing byte is refused", () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), (entries) => {
        const bytes = encodeEntryBundle(entries);
        expect(decodeEntryBundle(bytes, entries.length)).toEqual(entries);
        expect(() => decodeEntryBundle(bytes, entries.length + 1)).toThrow(tileInvalid);
        expect(() => decodeEntryBundle(bytes, entries.length - 1)).toThrow(tileInvalid);
        expect(() => decodeEntryBundle(bytes.subarray(0, -1), entries.length)).toThrow(tileInvalid);
        expect(() => decodeEntryBundle(Uint8Array.of(...bytes, 0), entries.length)).toThrow(tileInvalid);
      }),
    );
  });

  test("grow with the log, and hash to the tile above them", () => {
    const entries = Array.from({ length: 700 }, (_, i) => Uint8Array.of(i & 0xff, i >> 8));
    const first = growEntryBundles(0, undefined, entries.slice(0, 300));
    expect(first.map(({ index, width }) => [index, width])).toEqual([
      [0, 256],
      [1, 44],
    ]);
    const second = growEntryBundles(300, first[1]!.bytes, entries.slice(300));
    expect(second.map(({ index, width }) => [index, width])).toEqual([
      [1, 256],
      [2, 188],
    ]);
    const tile = growTiles(0, [], entries.map(leafHash)).changed[1]!;
    const hashed = decodeEntryBundle(second[0]!.bytes, 256).map(leafHash);
    expect(Buffer.concat(hashed).equals(tile.bytes)).toBe(true);
    expect(growEntryBundles(300, first[1]!.bytes, [])).toEqual([]);
    expect(() => growEntryBundles(300, undefined, entries)).toThrow(tileInvalid);
    expect(() => growEntryBundles(256, first[1]!.bytes, entries)).toThrow(tileInvalid);
  });
});

function place({ level, index, width }: Tile) {
  return { level, index, width };
}
