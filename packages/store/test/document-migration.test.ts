import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type CollectionDeclaration,
  documentMigrations,
  migrateDocuments,
  type Store,
  StoreError,
} from "../src/index.ts";
import { insert, note } from "./notes.ts";
import { openSqliteUnderTest, type SqliteUnderTest } from "./store-under-test.ts";

const notes: CollectionDeclaration = { name: "note", key: ["partition", "id"], indexes: [] };
const partitions = ["eu/p1", "eu/p2", "eu/p3"];

describe("a migration of documents", () => {
  let subject: SqliteUnderTest;
  beforeEach(async () => {
    subject = await openSqliteUnderTest([notes, documentMigrations]);
    for (const partition of partitions)
      await insert(
        subject.store,
        note("a", { text: "old" }, partition),
        note("b", { text: "old" }, partition),
      );
  });
  afterEach(() => subject.dispose());

  /** Makes new what is old. `before` runs before each partition's change; it may throw. */
  function migrate(store: Store, before: (partition: string) => Promise<void> = async () => {}) {
    const problems: unknown[] = [];
    const migrated = migrateDocuments({
      store,
      name: "renewed",
      collections: [notes],
      async change(_collection, partition, documents) {
        await before(partition);
        return documents
          .filter(({ document }) => document.text === "old")
          .map(({ document, revision }) => {
            const renewed = { ...document, text: "new" };
            return { kind: "replace", collection: "note", document: renewed, ifRevision: revision } as const;
          });
      },
      onIncomplete: (error) => problems.push(error),
    });
    return migrated.then((result) => ({ ...result, problems }));
  }
  const texts = async () => {
    const { documents } = await subject.store.scan("note", { equals: [], limit: 10 });
    return documents.map(({ document }) => document.text);
  };
  const isNoted = async () =>
    (await subject.store.get(documentMigrations.name, ["migrations", "renewed"]))?.document.state === "done";

  test("changes all once, a partition a commit, and notes that it is done", async () => {
    const commits: string[] = [];
    const counted: Store = {
      ...subject.store,
      commit(commit) {
        commits.push(commit.partition);
        return subject.store.commit(commit);
      },
    };
    expect(await migrate(counted)).toEqual({ changed: 6, whole: true, problems: [] });
    expect(commits).toEqual(["migrations", ...partitions, "migrations"]);
    expect(await texts()).toEqual(Array(6).fill("new"));
    const untouched = async () => {
      throw new Error("nothing is left to change");
    };
    expect(await migrate(subject.store, untouched)).toEqual({ changed: 0, whole: true, problems: [] });
  });

  test("looks again at what another process changed meanwhile", async () => {
    let meddled = false;
    const result = await migrate(subject.store, async (partition) => {
      if (meddled || partition !== "eu/p2") return;
      meddled = true;
      const document = note("a", { text: "old", by: "another" }, partition);
      const change = { kind: "replace", collection: "note", document, ifRevision: 1 } as const;
      expect(await subject.store.commit({ partition, changes: [change] })).toEqual({ committed: true });
    });
    expect(result).toMatchObject({ changed: 6, whole: true });
    expect((await subject.store.get("note", ["eu/p2", "a"]))!.document).toMatchObject({
      text: "new",
      by: "another",
    });
  });

  test("leaves what is damaged, says so, is not noted as done, and does not hold up the rest", async () => {
    const damage = new StoreError("damaged", "a key is damaged");
    const result = await migrate(subject.store, async (partition) => {
      if (partition === "eu/p2") throw damage;
    });
    expect(result).toEqual({ changed: 4, whole: false, problems: [damage] });
    expect(await texts()).toEqual(["new", "new", "old", "old", "new", "new"]);
    expect(await isNoted()).toBe(false);
    expect(await migrate(subject.store)).toEqual({ changed: 2, whole: true, problems: [] });
    expect(await isNoted()).toBe(true);
  });

  test("fails where the store does, and goes on at the next run", async () => {
    const away = new StoreError("unavailable", "the store is away");
    const failing = migrate(subject.store, async (partition) => {
      if (partition === "eu/p3") throw away;
    });
    await expect(failing).rejects.toBe(away);
    expect(await isNoted()).toBe(false);
    expect(await migrate(subject.store)).toMatchObject({ whole: true });
    expect(await texts()).toEqual(Array(6).fill("new"));
  });

  test("scrubs only what it changed, also in an earlier run that ended before the scrub", async () => {
    let scrubs = 0;
    const scrub = async () => {
      scrubs += 1;
      if (scrubs === 1) throw new StoreError("unavailable", "killed");
      await subject.store.scrub();
    };
    const store: Store = { ...subject.store, scrub };
    await migrate(store);
    await migrate(store);
    expect(scrubs).toBe(2);
    const fresh = await openSqliteUnderTest([notes, documentMigrations]);
    await migrate({ ...fresh.store, scrub });
    expect(scrubs).toBe(2);
    await fresh.dispose();
  });

  test("is done where the engine cannot scrub, and tried again where a scrub fails", async () => {
    const failure = new StoreError("unavailable", "no room");
    const full: Store = { ...subject.store, scrub: () => Promise.reject(failure) };
    expect(await migrate(full)).toEqual({ changed: 6, whole: true, problems: [failure] });
    expect(await isNoted()).toBe(false);
    const unable: Store = {
      ...subject.store,
      scrub: () => Promise.reject(new StoreError("invalid", "cannot")),
    };
    expect(await migrate(unable)).toEqual({ changed: 0, whole: true, problems: [] });
    expect(await isNoted()).toBe(true);
  });
});
