import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { copySqliteFile, openSqliteStore, type SqliteStore, type Store } from "../src/index.ts";

const collections = [{ name: "note", key: ["partition", "id"], indexes: [] }] as const;

describe("sqlite: a copy of a store", () => {
  let folder: string;
  let store: SqliteStore;
  const path = (name: string) => join(folder, name);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "wellapi-copy-"));
    store = await openSqliteStore({ path: path("store.db"), collections });
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  /** Two documents a commit: a copy has both or none. */
  const write = (number: number) =>
    store.commit({
      partition: "eu/p1",
      changes: [0, 1].map((half) => ({
        kind: "insert",
        collection: "note",
        document: { partition: "eu/p1", id: number * 2 + half, bytes: new Uint8Array(2_000) },
      })),
    });

  async function idsIn(copy: string): Promise<number[]> {
    const opened: Store = await openSqliteStore({ path: path(copy), collections });
    const { documents } = await opened.scan("note", { equals: ["eu/p1"], limit: 10_000 });
    await opened.close();
    return documents.map(({ document }) => document.id as number);
  }

  test("is one moment of it while others write, with all that was answered before", async () => {
    for (let i = 0; i < 300; i++) void write(i);
    await write(300);
    let more = 301;
    let copied = false;
    const writing = (async () => {
      while (!copied) await write(more++);
    })();
    await store.copyTo(path("copy.db"));
    copied = true;
    await writing;
    expect(more, "nothing was written meanwhile").toBeGreaterThan(302);

    const ids = await idsIn("copy.db");
    expect(ids.length).toBeGreaterThanOrEqual(602);
    expect(ids).toEqual(ids.map((_, i) => i));
    expect(ids.length % 2).toBe(0);
    expect((await stat(path("copy.db"))).mode & 0o077).toBe(0);
  });

  test("never takes the place of a file, and a close waits for it", async () => {
    await write(0);
    const first = store.copyTo(path("copy.db"));
    const second = store.copyTo(path("copy.db"));
    const closed = store.close();
    await first;
    await expect(second).rejects.toMatchObject({ code: "unavailable" });
    await closed;
    expect(await idsIn("copy.db")).toEqual([0, 1]);
  });

  test("of a file is refused while somebody has it open, and makes no store where there is none", async () => {
    await write(0);
    await expect(copySqliteFile(path("store.db"), path("copy.db"))).rejects.toMatchObject({ code: "locked" });
    await store.close();
    await copySqliteFile(path("store.db"), path("copy.db"));
    expect(await idsIn("copy.db")).toEqual([0, 1]);
    await expect(copySqliteFile(path("none.db"), path("more.db"))).rejects.toMatchObject({ code: "invalid" });
  });
});
