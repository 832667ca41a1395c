import { Binary, type Db, MongoClient, ObjectId } from "mongodb";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type CollectionDeclaration, openMongoStore, type Store } from "../src/index.ts";
import { type Command, recordCommands } from "./mongo-commands.ts";
import { openMongoProxy } from "./mongo-proxy.ts";
import { openMongoServer } from "./mongo-server.ts";
import { databaseName } from "./mongo-under-test.ts";
import { idsOf, insert, note } from "./notes.ts";

vi.setConfig({ testTimeout: 60_000 });
const server = await openMongoServer();
afterAll(() => server?.stop());

const declare = (indexes: CollectionDeclaration["indexes"]): CollectionDeclaration[] => [
  { name: "note", key: ["partition", "id"], indexes },
];
const byRank: CollectionDeclaration["indexes"] = [{ name: "by_rank", fields: ["rank"] }];
const byUniqueRank: CollectionDeclaration["indexes"] = [{ name: "by_rank", fields: ["rank"], unique: true }];
const scan = { index: "by_rank", equals: [], limit: 10 };
const migrating = ["create", "collMod", "createIndexes", "dropIndexes"];

describe.skipIf(!server)("mongo: schemas", () => {
  let database: string;
  let client: MongoClient;
  let db: Db;
  let stores: Store[];
  beforeEach(() => {
    database = databaseName();
    client = new MongoClient(server!.uri);
    db = client.db(database);
    stores = [];
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await db.dropDatabase();
    await client.close();
  });

  const open = async (
    collections: readonly CollectionDeclaration[],
    options: Partial<Parameters<typeof openMongoStore>[0]> = {},
  ) => {
    const store = await openMongoStore({ uri: server!.uri, database, collections, ...options });
    stores.push(store);
    return store;
  };
  const filled = async (indexes: CollectionDeclaration["indexes"]) => {
    const store = await open(declare(indexes));
    await insert(store, note("a", { rank: 2 }), note("b", { rank: 1 }), note("c"));
    return store;
  };
  const changesOf = (commands: readonly Command[]) =>
    commands.filter((command) => migrating.some((name) => name in command));

  test("replicas roll to a newer version: the older reads on, never writes what the newer would miss, and is refused when it starts again", async () => {
    const older = await filled([]);
    const newest = declare(byRank).map((declaration) => ({ ...declaration, version: 2 }));
    const newer = await open(newest);
    expect(await idsOf(newer, scan)).toEqual(["b", "a"]);
    expect((await older.get("note", ["eu/p1", "a"]))?.document.id).toBe("a");
    const late = { kind: "insert" as const, collection: "note", document: note("d", { rank: 3 }) };
    const writing = older.commit({ partition: "eu/p1", changes: [late] });
    await expect(writing).rejects.toMatchObject({ code: "unavailable" });
    await expect(open(declare([]))).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(
        /^the store is newer than this program: note has version 2, and it knows 1\./,
      ),
    });
    // Nothing was migrated back: the newer works on.
    expect(await newer.commit({ partition: "eu/p1", changes: [late] })).toEqual({ committed: true });
    expect(await idsOf(await open(newest), scan)).toEqual(["b", "a", "d"]);
  });

  describe("validators", () => {
    /** How the server answers to this envelope, harmed in one place. */
    const tryInsert = async (harm: Record<string, unknown>) => {
      const [stored] = await db.collection("note").find({ id: "a" }).toArray();
      const envelope = { ...stored, _id: new ObjectId(), id: "new", ...harm };
      const insertion = db.collection("note").insertOne(envelope, { ignoreUndefined: true });
      return insertion.then(
        () => "stored",
        (error: { code?: number }) => error.code,
      );
    };
    const violations: Array<[string, Record<string, unknown>]> = [
      ["an unknown field", { other: 1 }],
      ["no partition", { partition: undefined }],
      ["an empty partition", { partition: "" }],
      ["a key field of a wrong type", { id: new Date() }],
      ["an index field of a wrong type", { rank: { nested: 1 } }],
      ["an index field that is no whole number", { rank: 1.5 }],
      ["an index field that is null", { rank: null }],
      ["a revision below 1", { _rev: 0 }],
      ["another version's shape", { _shape: "00000000" }],
      ["a body that is not binary", { _body: { text: "a" } }],
      ["no body", { _body: undefined }],
    ];

    test.each(violations)("refuse %s", async (_, harm) => {
      await filled(byRank);
      expect(await tryInsert(harm)).toBe(121);
      expect(await tryInsert({})).toBe("stored");
    });

    test("of the engine's own collections are strict too", async () => {
      await open(declare([]));
      const infos = await db.listCollections().toArray();
      expect(infos.map(({ name }) => name).sort()).toEqual([
        "_commits",
        "_leases",
        "_outbox",
        "_outbox_lanes",
        "_outbox_tails",
        "note",
      ]);
      const entry = {
        partition: "p",
        id: "e",
        subject: "s",
        headers: {},
        data: new Binary(Buffer.from("x")),
      };
      const outbox = db.collection<{ _id: number }>("_outbox");
      for (const harm of [{ other: 1 }, { partition: 1 }, { headers: { a: 1 } }, { data: "x" }]) {
        await expect(outbox.insertOne({ _id: 1, ...entry, ...harm })).rejects.toMatchObject({ code: 121 });
      }
      await outbox.insertOne({ _id: 1, ...entry });
    });

    test.each([
      ["taken away", { validator: {} }],
      ["only warning", { validationAction: "warn" }],
      ["loosened", { validator: { $jsonSchema: { bsonType: "object" } } }],
    ])("that somebody has %s are put back at the next open", async (_, harm) => {
      await filled(byRank);
      await db.command({ collMod: "note", ...harm });
      expect(await tryInsert({ other: 1 })).toBe("stored");
      await db.collection("note").deleteOne({ other: 1 });
      await open(declare(byRank));
      expect(await tryInsert({ id: "newer", other: 1 })).toBe(121);
    });
  });

  describe("migrations", () => {
    test("of ten processes that open at once, one creates everything, and a later open changes nothing", async () => {
      const { commands, onCommand } = recordCommands();
      await Promise.all(Array.from({ length: 10 }, () => open(declare(byRank), { onCommand })));
      const created = changesOf(commands)
        .filter((command) => "create" in command)
        .map((command) => command.create);
      // The lease's own collection comes before any lease.
      expect(created.filter((name) => name !== "_leases").sort()).toEqual([
        "_commits",
        "_outbox",
        "_outbox_lanes",
        "_outbox_tails",
        "note",
      ]);
      const later = recordCommands();
      await open(declare(byRank), { onCommand: later.onCommand });
      expect(changesOf(later.commands)).toEqual([]);
    });

    test("a new index is built from what is stored, and again after it was away", async () => {
      await filled([]);
      expect(await idsOf(await open(declare(byRank)), scan)).toEqual(["b", "a"]);
      const without = await open(declare([]));
      const document = note("a", { rank: 0 });
      const changes = [{ kind: "replace" as const, collection: "note", document, ifRevision: 1 }];
      expect(await without.commit({ partition: "eu/p1", changes })).toEqual({ committed: true });
      expect(await idsOf(await open(declare(byRank)), scan)).toEqual(["a", "b"]);
    });

    test("an index that cannot be unique is refused by name, and what ran goes on as before", async () => {
      const running = await filled(byRank);
      await insert(running, note("d", { rank: 1 }));
      await expect(open(declare(byUniqueRank))).rejects.toMatchObject({
        code: "invalid",
        message: expect.stringContaining("by_rank"),
      });
      await expect(
        open(
          declare([
            ...byRank,
            { name: "by_tag", fields: ["tag", "rank"] },
            { name: "u", fields: ["rank"], unique: true },
          ]),
        ),
      ).rejects.toMatchObject({ code: "invalid" });
      await insert(running, note("e", { rank: 0 }));
      expect(await idsOf(running, scan)).toEqual(["e", "b", "d", "a"]);
      const { commands, onCommand } = recordCommands();
      expect(await idsOf(await open(declare(byRank), { onCommand }), scan)).toEqual(["e", "b", "d", "a"]);
      expect(changesOf(commands).filter((command) => !("dropIndexes" in command))).toEqual([]);
    });

    test("a changed index stands beside the old one until it is there, and then alone", async () => {
      await filled(byRank);
      const unique = await open(declare(byUniqueRank));
      const changes = [{ kind: "insert" as const, collection: "note", document: note("d", { rank: 1 }) }];
      expect(await unique.commit({ partition: "eu/p1", changes })).toMatchObject({ index: "by_rank" });
      const names = (await db.collection("note").indexes()).map(({ name }) =>
        name?.replace(/_[0-9a-f]{8}$/, ""),
      );
      expect(names.sort()).toEqual(["_id_", "by_rank", "key"]);
    });

    test("a process of the older version writes nothing that the new indexes would miss", async () => {
      const older = await filled([]);
      const newer = await open(declare(byRank));
      const changes = [{ kind: "insert" as const, collection: "note", document: note("d", { rank: 0 }) }];
      const writing = older.commit({ partition: "eu/p1", changes });
      await expect(writing).rejects.toMatchObject({ code: "unavailable" });
      expect(await older.get("note", ["eu/p1", "a"])).toBeDefined();
      expect(await idsOf(newer, scan)).toEqual(["b", "a"]);
    });

    test("a changed key is refused by name, and the data stays readable under the old one", async () => {
      const running = await filled([]);
      const opening = open([{ name: "note", key: ["partition", "rank"], indexes: [] }]);
      await expect(opening).rejects.toMatchObject({
        code: "invalid",
        message: expect.stringContaining("note"),
      });
      expect(await idsOf(running, { equals: ["eu/p1"], limit: 10 })).toEqual(["a", "b", "c"]);
    });

    test.skipIf(!server?.canCut)(
      "one that is cut short at any command is completed by the next open",
      async () => {
        await filled([]);
        const proxy = await openMongoProxy(server!.uri);
        let struck = 0;
        for (let cutAt = 1; ; cutAt += 1) {
          const collections = declare([
            { name: `by_rank${cutAt}`, fields: ["rank"] },
            { name: "t", fields: [`t${cutAt}`] },
          ]);
          let count = 0;
          proxy.decide = (command) => {
            if (!("lsid" in command)) return "pass";
            count += 1;
            return count >= cutAt && count < cutAt + 3 ? "cut after" : "pass";
          };
          const opened = await open(collections, { uri: proxy.uri }).then(
            () => true,
            () => false,
          );
          proxy.decide = () => "pass";
          if (!opened) struck += 1;
          // A lease that its holder could not give back runs out; here the clock does not wait for it.
          await db.collection("_leases").deleteMany({});
          const store = await open(collections);
          expect(await idsOf(store, { ...scan, index: `by_rank${cutAt}` })).toEqual(["b", "a"]);
          await store.close();
          if (count < cutAt) break;
        }
        await Promise.all(stores.map((store) => store.close()));
        await proxy.close();
        expect(struck).toBeGreaterThan(5);
      },
    );
  });

  test("mistakes are told without a secret", async () => {
    const error = await open([], { uri: "mongodb://user:secret@[bad" }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "StoreError", code: "invalid" });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("secret");
    await expect(open([], { database: "a/b" })).rejects.toMatchObject({ code: "invalid" });
  });

  test("a scrub is refused rather than promised", async () => {
    await expect((await open([])).scrub()).rejects.toMatchObject({ name: "StoreError", code: "invalid" });
  });
});
