import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openMongoStore } from "../src/index.ts";
import { type Command, findViolations, recordCommands } from "./mongo-commands.ts";
import { openMongoServer } from "./mongo-server.ts";
import { databaseName, dropDatabase } from "./mongo-under-test.ts";
import { contractCollections, event, idsOf, note } from "./notes.ts";

const server = await openMongoServer();
afterAll(() => server?.stop());

describe.skipIf(!server)("mongo: the commands that the driver sends", () => {
  const { commands, onCommand } = recordCommands();
  const database = databaseName();

  const weakened = (uri: string) => {
    const url = new URL(uri);
    for (const [name, value] of Object.entries({ w: "1", journal: "false", readConcernLevel: "local" })) {
      url.searchParams.set(name, value);
    }
    return url.href;
  };

  /** Everything that the port can do, with a refusal of each kind. */
  beforeAll(async () => {
    const store = await openMongoStore({
      // What an operator might write by mistake: the engine's own concerns must win.
      uri: weakened(server!.uri),
      database,
      collections: contractCollections,
      onCommand,
    });
    const partition = "eu/p1";
    const insertion = (id: string, fields = {}) => {
      return {
        kind: "insert" as const,
        collection: "note",
        document: note(id, { tag: "x", rank: 1, ...fields }),
      };
    };
    const changes = [insertion("a", { email: "a@x" }), insertion("b"), insertion("c")];
    await store.commit({ partition, changes, events: [event("e1"), event("e2")] });
    await store.commit({ partition, changes: [insertion("d", { email: "a@x" })] });
    const replace = { kind: "replace" as const, collection: "note", document: note("b") };
    await store.commit({ partition, changes: [{ ...replace, ifRevision: 1 }], events: [event("e3")] });
    await store.commit({ partition, changes: [{ ...replace, ifRevision: 9 }] });
    const remove = { kind: "delete" as const, collection: "note", key: [partition, "b"] };
    await store.commit({ partition, changes: [{ ...remove, ifRevision: 2 }, remove] });
    await store.get("note", [partition, "a"]);
    for (const order of ["ascending", "descending"] as const) {
      await idsOf(store, { equals: [partition], limit: 1, order });
      await idsOf(store, { index: "by_rank", equals: [partition], range: { from: 0 }, limit: 1, order });
      await idsOf(store, { index: "by_tag", equals: ["x"], limit: 1, order });
    }
    const entries = await store.readOutbox(10);
    await store.deleteOutbox(entries.map((entry) => entry.position));
    await store.close();
  });
  afterAll(() => dropDatabase(server!.uri, database));

  const named = (name: string, collection?: string) => (command: Command) => {
    return name in command && (collection === undefined || command[name] === collection);
  };

  test("carry the shard key, their concerns, an index and a time limit, each and all", () => {
    expect(findViolations(commands)).toEqual([]);
    const count = (name: string) => commands.filter(named(name)).length;
    expect(count("commitTransaction")).toBe(3);
    expect(count("find")).toBeGreaterThan(15);
  });

  test("of a large commit are few: how far the server is must not decide whether it fits a transaction's time", async () => {
    const recorded = recordCommands();
    const { uri } = server!;
    const collections = contractCollections;
    const store = await openMongoStore({ uri, database, collections, onCommand: recorded.onCommand });
    const partition = "eu/p2";
    const ids = Array.from({ length: 300 }, (_, i) => `${i}`);
    const collection = "note";
    const documents = ids.map((id) => note(id, {}, partition));
    const inserts = documents.map((document) => ({ kind: "insert" as const, collection, document }));
    const replaces = documents.map((document) => {
      return { kind: "replace" as const, collection, document, ifRevision: 1 };
    });
    const deletes = ids.map((id) => {
      return { kind: "delete" as const, collection, key: [partition, id], ifRevision: 2 };
    });
    recorded.commands.length = 0;
    for (const changes of [inserts, replaces, deletes]) {
      expect(await store.commit({ partition, changes })).toEqual({ committed: true });
    }
    const count = (name: string) => recorded.commands.filter((command) => command[name] === "note").length;
    expect([count("insert"), count("update"), count("delete")]).toEqual([1, 1, 1]);
    await store.close();
  });

  const byKey = (command: Command) => command.find === "note" && !command.sort;
  const byIndex = (command: Command) => command.find === "note" && !!command.sort;
  const starting = (command: Command) => command.startTransaction === true;

  /** Each guarantee with a recorded command made to break it: the list of violations must tell. */
  test.each<[string, (command: Command) => boolean, Command]>([
    ["is not durable on a majority", named("commitTransaction"), { writeConcern: { w: 1, j: true } }],
    ["is not durable on a majority", named("commitTransaction"), { writeConcern: undefined }],
    [
      "is not durable on a majority",
      named("delete", "_outbox"),
      { writeConcern: { w: "majority", j: false } },
    ],
    ["has no time limit", named("commitTransaction"), { maxTimeMS: undefined }],
    ["has no shard key", named("insert", "note"), { documents: [{ id: "a" }] }],
    ["has no shard key", named("update", "note"), { updates: [{ q: { id: "b" } }] }],
    ["has no shard key", named("delete", "note"), { deletes: [{ q: { id: "b" } }] }],
    ["has no shard key", byKey, { filter: { id: "b" } }],
    [
      "meets two shards in one transaction",
      named("insert", "_outbox"),
      { documents: [{ partition: "eu/p2" }] },
    ],
    ["is not linearizable", named("find", "_commits"), { readConcern: { level: "majority" } }],
    ["is not linearizable", byKey, { readConcern: { level: "majority" } }],
    ["is not snapshot", named("find", "_outbox"), { readConcern: { level: "local" } }],
    ["names no index", byIndex, { hint: undefined }],
    ["may read from a secondary", byKey, { $readPreference: { mode: "secondary" } }],
    ["writes outside a transaction", named("insert", "note"), { autocommit: undefined }],
    ["reads less than the majority's", starting, { readConcern: { level: "local" } }],
  ])("a planted violation is found: %s", (problem, select, harm) => {
    const index = commands.findIndex(select);
    const found = findViolations(commands.with(index, { ...commands[index], ...harm }));
    expect(found.map((line) => line.replace(/^.*: /, ""))).toContain(problem);
  });
});
