import fc from "fast-check";
import { expect, test } from "vitest";
import { formatTilePath, parseTilePath, type TilePath } from "../src/index.ts";

const invalid = expect.objectContaining({ name: "MerkleError", code: "path_invalid" });

test.each<[string, TilePath]>([
  ["tile/0/000", { kind: "hashes", level: 0, index: 0, width: 256 }],
  ["tile/63/999", { kind: "hashes", level: 63, index: 999, width: 256 }],
  ["tile/2/x001/000", { kind: "hashes", level: 2, index: 1000, width: 256 }],
  // The specification's example, and one that Go's tlog wrote.
  ["tile/0/x001/x234/067", { kind: "hashes", level: 0, index: 1_234_067, width: 256 }],
  ["tile/2/x001/x099/x511/x627/776", { kind: "hashes", level: 2, index: 2 ** 40, width: 256 }],
  ["tile/1/001.p/17", { kind: "hashes", level: 1, index: 1, width: 17 }],
  ["tile/entries/x001/x234/067.p/255", { kind: "entries", index: 1_234_067, width: 255 }],
  [
    "tile/entries/x009/x007/x199/x254/x740/991",
    { kind: "entries", index: Number.MAX_SAFE_INTEGER, width: 256 },
  ],
])("%s", (text, path) => {
  expect(parseTilePath(text)).toEqual(path);
  expect(formatTilePath(path)).toBe(text);
});

test("every tile has a path, and a path one tile", () => {
  const index = fc.oneof(fc.maxSafeNat(), fc.nat({ max: 2_000_000 }));
  const width = fc.integer({ min: 1, max: 256 });
  const path: fc.Arbitrary<TilePath> = fc.oneof(
    fc.record({ kind: fc.constant("hashes" as const), level: fc.nat({ max: 63 }), index, width }),
    fc.record({ kind: fc.constant("entries" as const), index, width }),
  );
  fc.assert(
    fc.property(path, (p) => {
      expect(parseTilePath(formatTilePath(p))).toEqual(p);
    }),
  );
});

test.each([
  "",
  "tile",
  "/tile/0/000",
  "tile/0/000/",
  "tile/0/000\n",
  "tile/64/000",
  "tile/00/000",
  "tile/-1/000",
  "tile/data/000",
  "tile/0/0",
  "tile/0/0000",
  "tile/0/x000",
  "tile/0/x000/001",
  "tile/0/001/002",
  "tile/0/x001/../002",
  "tile/0/X001/002",
  "tile/0/x010/x007/x199/x254/x740/991",
  "tile/0/x001/x001/x001/x001/x001/x001/001",
  "tile/0/000.p/0",
  "tile/0/000.p/01",
  "tile/0/000.p/256",
  "tile/0/000.p/1000",
  "tile/0/000.p/",
  "tile/0/x000.p/1",
  "tile/0/٠٠٠",
])("refuses %j", (text) => {
  expect(() => parseTilePath(text)).toThrow(invalid);
});

test("an impossible tile has no path", () => {
  const tile = { kind: "hashes", level: 0, index: 0, width: 256 } as const;
  const refused = expect.objectContaining({ code: "invalid_argument" });
  for (const wrong of [
    { level: 64 },
    { level: -1 },
    { index: -1 },
    { index: 2 ** 53 },
    { width: 0 },
    { width: 257 },
  ])
    expect(() => formatTilePath({ ...tile, ...wrong })).toThrow(refused);
});
