import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Document, IndexValue, Scan, Store } from "../src/index.ts";
import { idsOf, insert, note } from "./notes.ts";

/** The order of index values: numbers, then strings by code point, then booleans. */
function compare(a: IndexValue, b: IndexValue): number {
  const types = ["number", "string", "boolean"];
  if (typeof a !== typeof b) return types.indexOf(typeof a) - types.indexOf(typeof b);
  if (typeof a === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  return Number(a) - Number(b);
}

export function describeScans(current: () => Store): void {
  const invalid = { name: "StoreError", code: "invalid" };

  describe("scan", () => {
    test("walks the key of one partition in order, ascending and descending", async () => {
      await insert(current(), note("b"), note("a"), note("c"), note("a", {}, "eu/p2"));
      const scan: Scan = { equals: ["eu/p1"], limit: 10 };
      expect(await idsOf(current(), scan)).toEqual(["a", "b", "c"]);
      expect(await idsOf(current(), { ...scan, order: "descending" })).toEqual(["c", "b", "a"]);
      expect(await idsOf(current(), { ...scan, equals: ["eu/p1", "b"] })).toEqual(["b"]);
      expect(await idsOf(current(), { ...scan, equals: ["eu/p3"] })).toEqual([]);
    });

    test("walks a whole collection in the order of its key, page by page", async () => {
      await insert(current(), note("b"), note("a"), note("c", {}, "eu/p0"));
      expect(await idsOf(current(), { equals: [], limit: 1 })).toEqual(["c", "a", "b"]);
      expect(await idsOf(current(), { equals: [], limit: 10, order: "descending" })).toEqual(["b", "a", "c"]);
    });

    test("takes half-open ranges, and `after` as an exclusive lower bound", async () => {
      await insert(current(), ...[1, 2, 3, 4].map((rank) => note(`n${rank}`, { rank })));
      const ids = async (range: NonNullable<Scan["range"]>) => {
        const scan: Scan = { index: "by_rank", equals: ["eu/p1"], range, limit: 1 };
        const descending = await idsOf(current(), { ...scan, order: "descending" });
        const ascending = await idsOf(current(), scan);
        expect(descending.reverse()).toEqual(ascending);
        return ascending;
      };
      expect(await ids({ from: 2, to: 4 })).toEqual(["n2", "n3"]);
      expect(await ids({ after: 2 })).toEqual(["n3", "n4"]);
      expect(await ids({ from: 1, after: 3 })).toEqual(["n4"]);
      expect(await ids({ to: 3 })).toEqual(["n1", "n2"]);
      expect(await ids({ from: 3, to: 3 })).toEqual([]);
    });

    test("an index without the partition scans across partitions, ties in key order", async () => {
      const tagged = { tag: "x", rank: 1 };
      await insert(
        current(),
        note("2", tagged, "eu/p2"),
        note("1", tagged, "eu/p2"),
        note("3", tagged, "eu/p1"),
      );
      await insert(current(), note("4", { tag: "y", rank: 0 }), note("5", { tag: "x" }));
      const scan: Scan = { index: "by_tag", equals: ["x"], limit: 1 };
      expect(await idsOf(current(), scan)).toEqual(["3", "1", "2"]);
      expect(await idsOf(current(), { ...scan, order: "descending" })).toEqual(["2", "1", "3"]);
      expect(await idsOf(current(), { ...scan, equals: [] })).toEqual(["3", "1", "2", "4"]);
    });

    test("a range holds only values of its bounds' type", async () => {
      const ranks = [-1, 7, "", "7", false, true];
      await insert(current(), ...ranks.map((rank, i) => note(`n${i}`, { rank })));
      const ranksIn = async (range?: Scan["range"]) => {
        const scan = { index: "by_rank", equals: ["eu/p1"], limit: 10, ...(range && { range }) };
        return (await current().scan("note", scan)).documents.map(({ document }) => document.rank);
      };
      expect(await ranksIn()).toEqual(ranks);
      expect(await ranksIn({ from: 0 })).toEqual([7]);
      expect(await ranksIn({ to: 8 })).toEqual([-1, 7]);
      expect(await ranksIn({ after: "" })).toEqual(["7"]);
      expect(await ranksIn({ to: "8" })).toEqual(["", "7"]);
      expect(await ranksIn({ from: false })).toEqual([false, true]);
      expect(await ranksIn({ to: true })).toEqual([false]);
    });

    test("is refused where it breaks the contract", async () => {
      const scan = (fields: Partial<Scan>, collection = "note") => {
        return current().scan(collection, { equals: ["eu/p1"], limit: 10, ...fields });
      };
      await expect(scan({}, "other")).rejects.toMatchObject(invalid);
      await expect(scan({ index: "by_other" })).rejects.toMatchObject(invalid);
      await expect(scan({ limit: 0 })).rejects.toMatchObject(invalid);
      await expect(scan({ limit: 10_001 })).rejects.toMatchObject(invalid);
      await expect(scan({ equals: ["eu/p1", "a", "b"] })).rejects.toMatchObject(invalid);
      await expect(scan({ equals: ["eu/p1", "a"], range: { from: "a" } })).rejects.toMatchObject(invalid);
      await expect(scan({ range: { from: "a", to: 1 } })).rejects.toMatchObject(invalid);
      await expect(scan({ range: { from: Number.NaN } })).rejects.toMatchObject(invalid);
    });

    test("a cursor is bound to its scan; only the limit may change", async () => {
      await insert(current(), ...["a", "b", "c", "d"].map((id) => note(id, { tag: "x", rank: 1 })));
      const scan: Scan = { equals: ["eu/p1"], limit: 1 };
      const cursor = (await current().scan("note", scan)).cursor!;
      const rest = await current().scan("note", { ...scan, limit: 3, cursor });
      expect(rest.documents.map(({ document }) => document.id)).toEqual(["b", "c", "d"]);
      expect(rest.cursor).toBeUndefined();
      const foreign: Partial<Scan>[] = [
        { equals: ["eu/p2"] },
        { index: "by_rank" },
        { index: "by_tag", equals: ["x"] },
        { order: "descending" },
        { range: { from: "a" } },
        { cursor: "forged" },
        { cursor: Buffer.from("[]").toString("base64url") },
        { cursor: "" },
      ];
      for (const fields of foreign) {
        await expect(current().scan("note", { ...scan, cursor, ...fields })).rejects.toMatchObject(invalid);
      }
    });

    test("pages give what a sorted list gives, whatever the values, ties, bounds, order and page size", async () => {
      const value = fc.oneof(
        fc.integer({ min: -3, max: 3 }),
        fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
        fc.constantFrom("", "a", "ab", "b", "\u{ffff}", "\u{1f600}", "a\u0000"),
        fc.boolean(),
      );
      const shape = fc.record({
        rows: fc.uniqueArray(fc.record({ id: value, rank: fc.option(value) }), { selector: (row) => row.id }),
        bound: value,
        use: fc.constantFrom("none", "from", "after", "to"),
        order: fc.constantFrom("ascending" as const, "descending" as const),
        limit: fc.integer({ min: 1, max: 5 }),
      });
      let run = 0;
      const property = fc.asyncProperty(shape, async ({ rows, bound, use, order, limit }) => {
        run += 1;
        const partition = `eu/run${run}`;
        const documents: Document[] = rows.map(({ id, rank }) => ({ partition, id, rank }));
        const changes = documents.map((document) => ({
          kind: "insert" as const,
          collection: "note",
          document,
        }));
        await current().commit({ partition, changes });
        const expected = rows
          .flatMap(({ id, rank }) => (rank === null ? [] : [{ id, rank }]))
          .filter(({ rank }) => use === "none" || typeof rank === typeof bound)
          .filter(({ rank }) => use !== "from" || compare(rank, bound) >= 0)
          .filter(({ rank }) => use !== "after" || compare(rank, bound) > 0)
          .filter(({ rank }) => use !== "to" || compare(rank, bound) < 0)
          .sort((a, b) => compare(a.rank, b.rank) || compare(a.id, b.id))
          .map(({ id }) => id);
        if (order === "descending") expected.reverse();
        const range = use === "none" ? {} : { range: { [use]: bound } };
        const scan: Scan = { index: "by_rank", equals: [partition], order, limit, ...range };
        expect(await idsOf(current(), scan)).toEqual(expected);
      });
      await fc.assert(property, { numRuns: 60 });
    });
  });
}
