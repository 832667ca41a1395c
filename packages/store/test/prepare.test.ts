import { describe, expect, test } from "vitest";
import { createCatalog } from "../src/catalog.ts";
import { checkOutboxEvent, prepareChanges } from "../src/commit.ts";
import type { Document, OutboxEvent, Scan } from "../src/index.ts";
import { prepareScan, sealCursor } from "../src/scan.ts";

// What is refused before any engine sees it: a broker or a disk would refuse it later, when nobody can answer for it.

const catalog = createCatalog([
  { name: "note", key: ["partition", "id"], indexes: [{ name: "by_rank", fields: ["partition", "rank"] }] },
]);
const shape = catalog.collection("note");
const invalid = expect.objectContaining({ name: "StoreError", code: "invalid" });

describe("a commit", () => {
  test("lies in a partition with a name", () => {
    const commit = (partition: unknown) => () => prepareChanges(catalog, { partition, changes: [] } as never);
    expect(commit("eu/p1")()).toEqual([]);
    for (const partition of ["", 5, true, undefined, null, "\ud800"])
      expect(commit(partition)).toThrow(invalid);
  });

  test("has documents and guards that can be stored", () => {
    const change = (fields: object) => () =>
      prepareChanges(catalog, { partition: "p", changes: [{ collection: "note", ...fields } as never] });
    const document = { partition: "p", id: "a" };
    expect(change({ kind: "insert", document })()).toMatchObject([
      { values: ["p", "a", null], ifRevision: 0 },
    ]);
    expect(change({ kind: "replace", document, ifRevision: 1 })()).toMatchObject([{ ifRevision: 1 }]);
    expect(change({ kind: "delete", key: ["p", "a"] })()).toMatchObject([{ ifRevision: 0 }]);
    expect(change({ kind: "delete", key: ["p", "a"], ifRevision: 1 })()).toMatchObject([{ ifRevision: 1 }]);
    for (const ifRevision of [0, -1, 1.5, Number.NaN, "1", 2 ** 53]) {
      expect(change({ kind: "replace", document, ifRevision })).toThrow(invalid);
      expect(change({ kind: "delete", key: ["p", "a"], ifRevision })).toThrow(invalid);
    }
    for (const id of [null, undefined, 1.5, "\ud800", {}]) {
      expect(change({ kind: "insert", document: { ...document, id } })).toThrow(invalid);
      expect(change({ kind: "delete", key: ["p", id] })).toThrow(invalid);
    }
    expect(change({ kind: "insert", document: { ...document, rank: [] } })).toThrow(invalid);
    expect(change({ kind: "delete", key: ["p", "a", "b"] })).toThrow(invalid);
  });
});

describe("an event", () => {
  const event: OutboxEvent = {
    id: "evt_1",
    subject: "records.committed",
    data: Uint8Array.of(1),
    headers: { "X-Kind_1": "a line of text" },
  };
  const check = (fields: object) => () =>
    prepareChanges(catalog, { partition: "p", changes: [], events: [{ ...event, ...fields }] as never });

  test("is taken as a broker takes it", () => {
    for (const fields of [
      {},
      { id: "!" },
      { id: "~".repeat(200) },
      { subject: "word" },
      { subject: "a.b-c.D_4" },
      { subject: "x".repeat(200) },
      { data: new Uint8Array() },
      { headers: {} },
      { headers: { a: "" } },
    ]) {
      expect(check(fields)()).toEqual([]);
      checkOutboxEvent({ ...event, ...fields } as OutboxEvent);
    }
  });

  test("is refused where a broker would refuse it", () => {
    for (const fields of [
      { id: "" },
      { id: "x".repeat(201) },
      { id: "a b" },
      { id: " a" },
      { id: "a\n" },
      { id: "é" },
      { subject: "" },
      { subject: "x".repeat(201) },
      { subject: ".a" },
      { subject: "a." },
      { subject: "a..b" },
      { subject: "a b" },
      { subject: "*" },
      { subject: "a.>" },
      { data: "text" },
      { data: [1] },
      { data: undefined },
      { headers: { "": "x" } },
      { headers: { "a b": "x" } },
      { headers: { "a:": "x" } },
      { headers: { ":a": "x" } },
      { headers: { a: 5 } },
      { headers: { a: undefined } },
      { headers: { a: "x\r" } },
      { headers: { a: "x\ny: z" } },
      { headers: { a: "x\0" } },
      { headers: { good: "x", "not good": "x" } },
    ]) {
      expect(check(fields), JSON.stringify(fields)).toThrow(invalid);
    }
  });
});

describe("a scan", () => {
  const scan: Scan = { index: "by_rank", equals: ["p"], limit: 10 };
  const last: Document = { partition: "p", id: "a", rank: 3 };
  const prepare = (fields: object) => prepareScan(shape, { ...scan, ...fields });
  const cursorOf = (fields: object) => sealCursor(shape.indexes.get("by_rank")!, prepare(fields), last);

  test("is bounded, by whole numbers and by what an index can hold", () => {
    expect(prepare({ limit: 1 }).limit).toBe(1);
    expect(prepare({ limit: 10_000 }).limit).toBe(10_000);
    for (const limit of [0, 10_001, 1.5, Number.NaN, "10"]) expect(() => prepare({ limit })).toThrow(invalid);
    for (const value of [Number.NaN, 1.5, null, {}, "\ud800"]) {
      expect(() => prepare({ equals: [value] })).toThrow(invalid);
      if (value !== null) expect(() => prepare({ range: { from: value } })).toThrow(invalid);
    }
    expect(() => prepare({ equals: ["p", 1, "a"] })).toThrow(invalid);
    expect(() => prepare({ equals: ["p", 1], range: { from: 1 } })).toThrow(invalid);
    expect(() => prepare({ index: "by_nothing" })).toThrow(invalid);
    expect(prepare({ equals: ["p", 1], range: {} }).range).toEqual({});
  });

  test("goes on behind the document where the page before ended", () => {
    expect(prepare({ cursor: cursorOf({}) }).position).toEqual([3, "a"]);
    expect(prepare({ equals: ["p", 3], cursor: cursorOf({ equals: ["p", 3] }) }).position).toEqual(["a"]);
    expect(prepare({}).position).toBeUndefined();
  });

  test("takes no other scan's cursor, whichever bound is another", () => {
    const scans = [
      {},
      { range: { from: 1 } },
      { range: { from: 2 } },
      { range: { after: 1 } },
      { range: { after: 2 } },
      { range: { to: 1 } },
      { range: { to: 2 } },
      { range: { from: 1, to: 2 } },
      { order: "descending" },
      { equals: ["q"] },
    ];
    for (const one of scans) {
      for (const other of scans) {
        const cursor = cursorOf(one);
        if (one === other) expect(prepare({ ...other, cursor }).position).toEqual([3, "a"]);
        else expect(() => prepare({ ...other, cursor })).toThrow(invalid);
      }
    }
    expect(prepare({ limit: 3, cursor: cursorOf({ limit: 7 }) }).position).toEqual([3, "a"]);
  });

  test("takes no cursor that somebody made", () => {
    const [bound] = JSON.parse(Buffer.from(cursorOf({}), "base64url").toString()) as [string, unknown];
    const made = (content: unknown) => Buffer.from(JSON.stringify(content)).toString("base64url");
    expect(prepare({ cursor: made([bound, [3, "a"]]) }).position).toEqual([3, "a"]);
    for (const content of [
      null,
      5,
      {},
      [],
      [bound],
      [bound, "ab"],
      [bound, { length: 2 }],
      [bound, []],
      [bound, [3]],
      [bound, [3, "a", "b"]],
      [bound, [3, null]],
      [bound, [null, "a"]],
      [bound, [1.5, "a"]],
      [bound, [{}, []]],
    ]) {
      expect(() => prepare({ cursor: made(content) }), JSON.stringify(content)).toThrow(invalid);
    }
    for (const cursor of ["", "forged", "[]"]) {
      expect(() => prepare({ cursor })).toThrow(
        expect.objectContaining({ code: "invalid", cause: expect.any(SyntaxError) }),
      );
    }
  });
});
