import { createHash } from "node:crypto";
import {
  appendLeafHashes,
  EMPTY_FRONTIER,
  encodeEntryBundle,
  formatTilePath,
  frontierRoot,
  growTiles,
  leafHash,
} from "@wellapi/merkle";
import { describe, expect, test } from "vitest";
import { verifyLogFiles } from "../src/index.ts";

/** The files of a log of so many entries, and its signed tree. */
function logOf(size: number) {
  const entries = Array.from({ length: size }, (_, i) => createHash("sha256").update(String(i)).digest());
  const hashes = entries.map(leafHash);
  const files = new Map<string, Uint8Array>();
  for (const { level, index, width, bytes } of growTiles(0, [], hashes).changed) {
    files.set(formatTilePath({ kind: "hashes", level, index, width }), bytes);
  }
  for (let start = 0; start < size; start += 256) {
    const some = entries.slice(start, start + 256);
    const path = formatTilePath({ kind: "entries", index: start / 256, width: some.length });
    files.set(path, encodeEntryBundle(some));
  }
  const root = frontierRoot(appendLeafHashes(EMPTY_FRONTIER, hashes));
  const checkpoint = { origin: "log.test/log", size, root, extensions: [] };
  const refused = new Map<string, string>();
  const flip = (path: string, at: number) => {
    const changed = Uint8Array.from(files.get(path)!);
    changed[at]! ^= 1;
    files.set(path, changed);
  };
  const verify = () =>
    verifyLogFiles(checkpoint, async (path) => {
      const why = refused.get(path);
      return why === undefined ? files.get(path)! : { refused: why };
    });
  return { checkpoint, files, flip, refused, verify };
}

/** An entry behind its length of two bytes. */
const inBundle = (index: number) => (index % 256) * 34 + 20;

describe("the whole log, by its files", () => {
  test.each([1, 255, 256, 257, 600, 768])("is whole where nothing was changed (%s entries)", async (size) => {
    expect(await logOf(size).verify()).toEqual([]);
  });

  test.each([
    [600, 300, "tile/entries/001"],
    [600, 0, "tile/entries/000"],
    [600, 599, "tile/entries/002.p/88"],
    [300, 270, "tile/entries/001.p/44"],
  ])("of %s entries names entry %s, whose byte was changed", async (size, index, path) => {
    const log = logOf(size);
    log.flip(path, inBundle(index));
    const findings = await log.verify();
    expect(findings).toHaveLength(1);
    const { start, end } = findings[0]!;
    expect(start).toBeLessThanOrEqual(index);
    expect(end).toBeGreaterThan(index);
    // A full tile tells which entry it is; beneath the others stand less than 256.
    expect(size - 256 > index ? end - start : 256).toBe(size - 256 > index ? 1 : 256);
  });

  test("names two entries of two bundles", async () => {
    const log = logOf(768);
    log.flip("tile/entries/000", inBundle(5));
    log.flip("tile/entries/002", inBundle(700));
    expect((await log.verify()).map(({ start, end }) => [start, end])).toEqual([
      [5, 6],
      [700, 701],
    ]);
  });

  test("names a tile that was changed, and says that the entries are whole", async () => {
    const log = logOf(600);
    log.flip("tile/0/001", 40);
    expect(await log.verify()).toMatchObject([
      { start: 256, end: 512, what: expect.stringContaining("tile/0/001 is not the tile") },
    ]);
  });

  test("names a partial tile that was changed, and says that the entries are whole", async () => {
    const log = logOf(600);
    log.flip("tile/0/002.p/88", 40);
    expect(await log.verify()).toEqual([
      { start: 512, end: 600, what: "tile/0/002.p/88 is not the tile of its entries; the entries are whole" },
    ]);
  });

  test.each([
    ["tile/0/001", -1, 256, 512],
    ["tile/0/001", 32, 256, 512],
    ["tile/0/002.p/88", 32, 512, 600],
    ["tile/1/000.p/2", -64, 0, 600],
  ])("names %s with %s bytes more than it has", async (path, more, start, end) => {
    const log = logOf(600);
    const right = log.files.get(path)!;
    const longer = new Uint8Array(right.length + more);
    longer.set(right.subarray(0, longer.length));
    log.files.set(path, longer);
    expect(await log.verify()).toEqual([
      { start, end, what: expect.stringMatching(/^tile\/.* does not have \d+ hashes$/) },
    ]);
  });

  test("passes on what the log says of a bundle that it does not show", async () => {
    const log = logOf(600);
    log.refused.set("tile/entries/001", "entry 300 is damaged");
    expect(await log.verify()).toEqual([{ start: 256, end: 512, what: "entry 300 is damaged" }]);
  });

  test("where entries and tiles were changed alike says that the signed root is another one", async () => {
    const log = logOf(300);
    const other = logOf(300);
    other.flip("tile/entries/001.p/44", inBundle(299));
    const changed = other.files.get("tile/entries/001.p/44")!;
    log.files.set("tile/entries/001.p/44", changed);
    log.flip("tile/0/001.p/44", 43 * 32);
    const findings = await log.verify();
    expect(findings.at(-1)).toMatchObject({ start: 0, end: 300, what: expect.stringContaining("signed") });
  });
});
