import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCatalog } from "../src/catalog.ts";
import { openDatabase } from "../src/sqlite/database.ts";
import type { WireCommit } from "../src/sqlite/protocol.ts";
import type { Room } from "../src/sqlite/room.ts";
import { migrate } from "../src/sqlite/schema.ts";
import { createStatements } from "../src/sqlite/statements.ts";
import { writeGroup } from "../src/sqlite/write.ts";

describe("sqlite: one group of commits", () => {
  const catalog = createCatalog([{ name: "note", key: ["partition", "id"], indexes: [] }]);
  let folder: string;
  let database: DatabaseSync;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "wellapi-store-"));
    database = openDatabase(join(folder, "store.db"), 200_000);
    await migrate(database, catalog);
  });
  afterEach(async () => {
    database.close();
    await rm(folder, { recursive: true });
  });

  const commit = (...documents: Array<readonly [id: string, bytes: number]>): WireCommit => ({
    kind: "commit",
    partition: "eu/p1",
    changes: documents.map(([id, end]) => ({
      kind: "insert",
      collection: "note",
      values: ["eu/p1", id],
      document: { start: 0, end },
      ifRevision: 0,
    })),
    events: [{ id: documents.join(), subject: "a.b", data: { start: 0, end: 0 }, headers: "{}" }],
    bytes: new Uint8Array(Math.max(0, ...documents.map(([, bytes]) => bytes))),
  });
  const ids = () =>
    database
      .prepare("SELECT f_id FROM c_note ORDER BY f_id")
      .all()
      .map((row) => row.f_id);
  const committed = { answer: { committed: true } };

  test("one that does not fit on the disk leaves nothing and does not fail its neighbours", () => {
    const group = [commit(["a", 100]), commit(["half", 100], ["large", 300_000]), commit(["b", 100])];
    const outcomes = writeGroup(createStatements(database), catalog, group);
    expect(outcomes).toMatchObject([committed, { failure: { code: "unavailable" } }, committed]);
    expect(ids()).toEqual(["a", "b"]);
    expect(database.prepare("SELECT id FROM outbox").all()).toHaveLength(2);
  });

  test("one that is refused leaves nothing and does not fail its neighbours", () => {
    const group = [commit(["a", 100]), commit(["half", 100], ["a", 100]), commit(["half", 100])];
    const outcomes = writeGroup(createStatements(database), catalog, group);
    const refused = { committed: false, reason: "duplicate", index: "key", change: 1 };
    expect(outcomes).toEqual([committed, { answer: refused }, committed]);
    expect(ids()).toEqual(["a", "half"]);
    expect(database.prepare("SELECT id FROM outbox").all()).toHaveLength(2);
  });

  /** Ways to find room: the store grows at the given one. */
  function roomAt(step: "log" | number) {
    const made: string[] = [];
    const grow = () => database.exec("PRAGMA max_page_count = 1000");
    let parts = 0;
    const room: Room = {
      writeBack() {
        made.push("log");
        if (step === "log") grow();
      },
      giveUp() {
        if (parts === 3) return false;
        made.push("part");
        if (++parts === step) grow();
        return true;
      },
      take: () => true,
    };
    return { made, room };
  }
  const reserved = (request: WireCommit): WireCommit => ({ ...request, useReserve: true });

  test("that finds the disk full is tried again after each room that is made, and no more rooms than needed", () => {
    const statements = createStatements(database);
    const { made, room } = roomAt(2);
    expect(writeGroup(statements, catalog, [reserved(commit(["before", 100]))], room)).toEqual([committed]);
    expect(made).toEqual([]);
    const group = [commit(["a", 100]), reserved(commit(["large", 300_000]))];
    expect(writeGroup(statements, catalog, group, room)).toEqual([committed, committed]);
    expect(made).toEqual(["log", "part", "log", "part", "log"]);
    expect(ids()).toEqual(["a", "before", "large"]);
  });

  test("takes nothing of the reserve where the log has room when it is used again", () => {
    const { made, room } = roomAt("log");
    const outcomes = writeGroup(
      createStatements(database),
      catalog,
      [reserved(commit(["large", 300_000]))],
      room,
    );
    expect([outcomes, made]).toEqual([[committed], ["log"]]);
  });

  test("takes nothing of the reserve for a commit that may not use it, and ends when nothing is left", () => {
    const full = { failure: { code: "unavailable", full: true } };
    const statements = createStatements(database);
    const { made, room } = roomAt(1);
    const group = [commit(["a", 100]), commit(["large", 300_000])];
    expect(writeGroup(statements, catalog, group, room)).toMatchObject([committed, full]);
    expect(made).toEqual(["log"]);
    const never = roomAt(99);
    const request = reserved(commit(["large", 300_000]));
    expect(writeGroup(statements, catalog, [request], never.room)).toMatchObject([full]);
    expect(never.made.filter((one) => one === "part")).toHaveLength(3);
    expect(ids()).toEqual(["a"]);
  });

  test("that fails for another reason leaves nothing, makes no room, and the next one works", () => {
    const made: string[] = [];
    const statements = createStatements(database);
    const [ok, strange] = [commit(["a", 100]), commit(["b", 100])];
    const changes = strange.changes.map((change) => ({ ...change, collection: "other" }));
    const group = [ok, { ...strange, changes }];
    const failed = { failure: { code: "invalid", message: expect.any(String) } };
    const room: Room = {
      writeBack: () => made.push("room"),
      giveUp: () => made.push("room") > 0,
      take: () => true,
    };
    expect(writeGroup(statements, catalog, group, room)).toMatchObject([failed, failed]);
    expect(made).toEqual([]);
    expect(ids()).toEqual([]);
    expect(database.isTransaction).toBe(false);
    expect(writeGroup(statements, catalog, [ok])).toEqual([committed]);
    expect(ids()).toEqual(["a"]);
  });

  test("a duplicate is named by the index that it met, not by one that others may share or the document itself is in", async () => {
    const unique = (name: string) => ({ name, fields: [name], unique: true });
    const shared = { name: "shared", fields: ["shared"] };
    const several = createCatalog([
      { name: "note", key: ["partition", "id"], indexes: [shared, unique("x"), unique("y")] },
    ]);
    await migrate(database, several);
    const write = (kind: "insert" | "replace", ...values: string[]) => {
      const change = {
        kind,
        collection: "note",
        values: ["eu/p1", ...values],
        document: { start: 0, end: 0 },
      };
      const changes = [{ ...change, ifRevision: kind === "insert" ? 0 : 1 }];
      const one: WireCommit = { ...commit(), changes, events: [], bytes: new Uint8Array() };
      return writeGroup(createStatements(database), several, [one]);
    };
    expect(several.collection("note").fields).toEqual(["partition", "id", "shared", "x", "y"]);
    expect(write("insert", "a", "s", "ax", "ay")).toEqual([committed]);
    expect(write("insert", "b", "s", "bx", "by")).toEqual([committed]);
    const duplicate = (index: string) => [
      { answer: { committed: false, change: 0, reason: "duplicate", index } },
    ];
    expect(write("insert", "c", "s", "cx", "by")).toEqual(duplicate("y"));
    expect(write("replace", "a", "s", "ax", "by")).toEqual(duplicate("y"));
    expect(write("replace", "a", "s", "bx", "ay")).toEqual(duplicate("x"));
    expect(write("replace", "a", "s", "ax", "new")).toEqual([committed]);
  });

  test("a store whose declarations fit is opened without a write", async () => {
    const changes = () => database.prepare("SELECT total_changes() AS n").get()?.n;
    const before = changes();
    await migrate(database, catalog);
    expect(changes()).toBe(before);
    const more = createCatalog([
      { name: "note", key: ["partition", "id"], indexes: [{ name: "x", fields: ["x"] }] },
    ]);
    await migrate(database, more);
    expect(changes()).not.toBe(before);
  });
});
