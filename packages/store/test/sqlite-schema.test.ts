import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type CollectionDeclaration, openSqliteStore, type Store } from "../src/index.ts";
import { idsOf, insert, note } from "./notes.ts";
import { openSqliteUnderTest, type SqliteUnderTest } from "./store-under-test.ts";

const declare = (indexes: CollectionDeclaration["indexes"]): CollectionDeclaration[] => [
  { name: "note", key: ["partition", "id"], indexes },
];

describe("sqlite: declarations that change between openings", () => {
  let subject: SqliteUnderTest;
  let store: Store;
  beforeEach(async () => {
    subject = await openSqliteUnderTest(declare([]));
    await insert(subject.store, note("a", { rank: 2 }), note("b", { rank: 1 }), note("c"));
    await subject.store.close();
  });
  afterEach(async () => {
    await store?.close();
    await subject.dispose();
  });

  const open = async (collections: CollectionDeclaration[]) => {
    await store?.close();
    store = await openSqliteStore({ path: subject.path, collections });
    return store;
  };
  const byRank: CollectionDeclaration["indexes"] = [{ name: "by_rank", fields: ["rank"] }];
  const scan = { index: "by_rank", equals: [], limit: 10 };

  test("a new index is built from what is stored, and again after it was away", async () => {
    expect(await idsOf(await open(declare(byRank)), scan)).toEqual(["b", "a"]);
    await open(declare([]));
    const document = note("a", { rank: 0 });
    const changes = [{ kind: "replace" as const, collection: "note", document, ifRevision: 1 }];
    await store.commit({ partition: "eu/p1", changes });
    expect(await idsOf(await open(declare(byRank)), scan)).toEqual(["a", "b"]);
  });

  test("a field that is declared no more leaves the file, where only its column held it", async () => {
    await open(declare([{ name: "by_owner", fields: ["owner"] }]));
    await insert(store, note("d", { owner: "canary-owner" }));
    const bytes = async () => {
      await store.scrub();
      await store.close();
      return readFile(subject.path);
    };
    expect((await bytes()).includes("canary-owner")).toBe(true);
    await open(declare([]));
    const change = { kind: "replace", collection: "note", document: note("d"), ifRevision: 1 } as const;
    expect(await store.commit({ partition: "eu/p1", changes: [change] })).toEqual({ committed: true });
    expect((await bytes()).includes("canary-owner")).toBe(false);
    expect(await idsOf(await open(declare([])), { equals: ["eu/p1"], limit: 10 })).toEqual([
      "a",
      "b",
      "c",
      "d",
    ]);
  });

  test("a store of a newer version is refused in one line, and is left as it is", async () => {
    const newer = declare(byRank).map((declaration) => ({ ...declaration, version: 2 }));
    await open(newer);
    const opening = openSqliteStore({ path: subject.path, collections: declare([]) });
    await expect(opening, "while it is open").rejects.toMatchObject({ code: "locked" });
    await store.close();
    await expect(open(declare([]))).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(
        /^the store is newer than this program: note has version 2, and it knows 1\./,
      ),
    });
    expect(await idsOf(await open(newer), scan)).toEqual(["b", "a"]);
  });

  test("an index that changes is rebuilt; one that cannot be unique is refused and nothing changes", async () => {
    await open(declare(byRank));
    await open(declare([{ name: "by_rank", fields: ["rank"], unique: true }]));
    const changes = [{ kind: "insert" as const, collection: "note", document: note("d", { rank: 1 }) }];
    expect(await store.commit({ partition: "eu/p1", changes })).toMatchObject({ index: "by_rank" });
    await open(declare(byRank));
    await insert(store, note("d", { rank: 1 }));
    const opening = open(declare([{ name: "by_rank", fields: ["rank"], unique: true }]));
    await expect(opening).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining("by_rank"),
    });
    expect(await idsOf(await open(declare(byRank)), scan)).toEqual(["b", "d", "a"]);
  });

  test("a changed key is refused by name, and the data stays readable under the old one", async () => {
    const opening = open([{ name: "note", key: ["partition", "rank"], indexes: [] }]);
    await expect(opening).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining("note"),
    });
    expect(await idsOf(await open(declare([])), { equals: ["eu/p1"], limit: 10 })).toEqual(["a", "b", "c"]);
  });

  test.for<[string, unknown[]]>([
    ["a name that is not lower_snake", [{ name: "Note; --", key: ["partition"], indexes: [] }]],
    ["a key without the partition", [{ name: "note", key: ["id"], indexes: [] }]],
    ["an index named as the key", declare([{ name: "key", fields: ["a"] }])],
    ["a field that is no name", declare([{ name: "x", fields: ['a" --'] }])],
    ["a collection twice", [...declare([]), ...declare([])]],
  ])("%s is refused", async ([, collections]) => {
    const opening = openSqliteStore({
      path: subject.path,
      collections: collections as CollectionDeclaration[],
    });
    await expect(opening).rejects.toMatchObject({ name: "StoreError", code: "invalid" });
  });
});
