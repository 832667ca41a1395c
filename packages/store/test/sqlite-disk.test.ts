import { randomBytes } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openSqliteStore, type Store } from "../src/index.ts";
import { openDatabase } from "../src/sqlite/database.ts";
import { contractCollections, event, idsOf, insert, note } from "./notes.ts";
import { openSqliteUnderTest, type SqliteUnderTest } from "./store-under-test.ts";

describe("sqlite: the disk", () => {
  let subject: SqliteUnderTest;
  afterEach(() => subject.dispose());

  const insertion = (id: string, bytes: number) => {
    const document = note(id, { filler: randomBytes(bytes) });
    return { partition: "eu/p1", changes: [{ kind: "insert" as const, collection: "note", document }] };
  };

  /** Commits until the store is full; the ids that were acked. */
  async function fill(store: Store): Promise<string[]> {
    for (let n = 100, ids: string[] = []; ; n += 1) {
      try {
        await store.commit(insertion(`n${n}`, 8000));
        ids.push(`n${n}`);
      } catch (error) {
        expect(error).toMatchObject({ name: "StoreError", code: "unavailable", full: true });
        return ids;
      }
    }
  }

  test("a full disk refuses as unavailable, serves reads, and takes commits again once there is space", async () => {
    subject = await openSqliteUnderTest(contractCollections, { maxBytes: 600_000 });
    const { store } = subject;
    const acked = await fill(store);
    expect(acked.length).toBeGreaterThan(10);
    expect(await idsOf(store, { equals: ["eu/p1"], limit: 100 })).toEqual(acked);
    expect(await store.get("note", ["eu/p1", acked[0]!])).toBeDefined();
    const changes = acked
      .slice(0, 5)
      .map((id) => ({ kind: "delete" as const, collection: "note", key: ["eu/p1", id] }));
    expect(await store.commit({ partition: "eu/p1", changes })).toEqual({ committed: true });
    expect(await store.commit(insertion("later", 8000))).toEqual({ committed: true });
    expect(await idsOf(await subject.reopen(), { equals: ["eu/p1"], limit: 100 })).toEqual([
      "later",
      ...acked.slice(5),
    ]);
  });

  test("a file that is no store is refused as damaged and left as it was", async () => {
    subject = await openSqliteUnderTest([]);
    const path = join(subject.folder, "other.txt");
    await writeFile(path, "not a database, but long enough to be taken for one".repeat(100));
    const opening = openSqliteStore({ path, collections: [] });
    await expect(opening).rejects.toMatchObject({ name: "StoreError", code: "damaged" });
    expect(await readFile(path, "utf8")).toContain("not a database");
    const missing = openSqliteStore({ path: join(subject.folder, "no", "store.db"), collections: [] });
    await expect(missing).rejects.toMatchObject({ name: "StoreError", code: "unavailable" });
  });

  test("a damaged page is damage where it is met, and nowhere else", async () => {
    subject = await openSqliteUnderTest(contractCollections);
    for (let n = 0; n < 60; n += 1) await subject.store.commit(insertion(`n${100 + n}`, 3_000));
    await subject.store.close();
    const { path } = subject;
    const content = await readFile(path);
    const filler = content.indexOf("n130", 0, "latin1");
    expect(filler).toBeGreaterThan(0);
    // The header of a leaf of the table says what lies where in the page.
    const page = Math.floor(content.lastIndexOf("filler") / 4096);
    content.fill(0xff, page * 4096, page * 4096 + 8);
    await writeFile(path, content);
    const store = await subject.reopen();
    const outcomes = new Set<string>();
    for (let n = 0; n < 60; n += 1) {
      const read = store.get("note", ["eu/p1", `n${100 + n}`]);
      outcomes.add(
        await read.then(
          () => "whole",
          (error) => error.code,
        ),
      );
    }
    expect([...outcomes].sort()).toEqual(["damaged", "whole"]);
  });

  test("a document that does not decode is damage", async () => {
    subject = await openSqliteUnderTest(contractCollections);
    await insert(subject.store, note("a", { tag: "unmistakable" }));
    await subject.store.close();
    const { path } = subject;
    const content = await readFile(path);
    // BSON: a type no one knows, in front of the field's name.
    for (let at = content.indexOf("tag\0"); at >= 0; at = content.indexOf("tag\0", at + 1))
      content[at - 1] = 0x7a;
    await writeFile(path, content);
    const read = (await subject.reopen()).get("note", ["eu/p1", "a"]);
    await expect(read).rejects.toMatchObject({ name: "StoreError", code: "damaged" });
  });

  test("every commit waits for the disk, and the log is written back only behind a full sync", async () => {
    subject = await openSqliteUnderTest([]);
    const database = openDatabase(join(subject.folder, "pragmas.db"), undefined);
    const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0];
    expect([pragma("synchronous"), pragma("journal_mode")]).toEqual([2, "wal"]);
    expect([pragma("fullfsync"), pragma("checkpoint_fullfsync")]).toEqual([1, 1]);
    database.close();
  });

  test("a deleted document leaves no byte in the file, also where nothing is scrubbed", async () => {
    subject = await openSqliteUnderTest(contractCollections);
    const tags = Array.from({ length: 20 }, (_, i) => `canary-${i}-`);
    for (const tag of tags) await insert(subject.store, note(`${tag}key`, { body: tag.repeat(1_000) }));
    await subject.reopen();
    expect(await canaries(subject.folder)).toEqual(new Set(tags));
    for (const tag of tags) {
      const changes = [{ kind: "delete" as const, collection: "note", key: ["eu/p1", `${tag}key`] }];
      await subject.store.commit({ partition: "eu/p1", changes });
    }
    await subject.reopen();
    expect(await canaries(subject.folder)).toEqual(new Set());
  });

  test("its files are the owner's alone", async () => {
    subject = await openSqliteUnderTest(contractCollections);
    await insert(subject.store, note("a"));
    for (const name of await readdir(subject.folder)) {
      expect((await stat(join(subject.folder, name))).mode & 0o077).toBe(0);
    }
  });

  test("after scrub no file holds a byte of what was deleted or replaced before", async () => {
    subject = await openSqliteUnderTest(contractCollections);
    const { store } = subject;
    // Random order, sizes and gaps make SQLite move rows between pages: copies stay that secure_delete misses.
    const shuffled = Array.from({ length: 2500 }, (_, i) => `canary-${i}-`).sort(() => Math.random() - 0.5);
    const document = (tag: string) => {
      const body = `${tag}${"x".repeat(100 + Math.random() * 900)}`;
      return note(`${tag}key`, { rank: 1, tag: `${tag}tag`, body });
    };
    const commit = (changes: Parameters<Store["commit"]>[0]["changes"]) =>
      store.commit({ partition: "eu/p1", changes });
    await commit(shuffled.map((tag) => ({ kind: "insert", collection: "note", document: document(tag) })));
    await commit(
      shuffled.map((tag) => ({
        kind: "replace",
        collection: "note",
        document: document(tag),
        ifRevision: 1,
      })),
    );
    const kept = new Set(shuffled.filter(() => Math.random() < 0.5));
    const gone = shuffled.filter((tag) => !kept.has(tag));
    await commit(gone.map((tag) => ({ kind: "delete", collection: "note", key: ["eu/p1", `${tag}key`] })));
    const events = [{ ...event("e"), headers: { a: "canary-9999-" } }];
    await store.commit({ partition: "eu/p1", changes: [], events });
    await store.deleteOutbox([1]);
    await store.scrub();
    expect(await canaries(subject.folder)).toEqual(kept);
    expect((await idsOf(store, { equals: ["eu/p1"], limit: 1000 })).length).toBe(kept.size);
  });
});

async function canaries(folder: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (const name of await readdir(folder)) {
    const content = await readFile(join(folder, name), "latin1");
    for (const [canary] of content.matchAll(/canary-\d+-/g)) found.add(canary);
  }
  return found;
}
