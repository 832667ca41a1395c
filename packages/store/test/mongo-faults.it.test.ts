import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openMongoStore, type Store } from "../src/index.ts";
import { type Fate, type MongoProxy, openMongoProxy } from "./mongo-proxy.ts";
import { openMongoServer } from "./mongo-server.ts";
import { databaseName, dropDatabase } from "./mongo-under-test.ts";
import { contractCollections, event, idsOf, insert, note } from "./notes.ts";

vi.setConfig({ testTimeout: 60_000 });
const server = await openMongoServer();
const own = server?.own;
afterAll(() => server?.stop());

/** The commands of one commit with two inserts, a guarded replace, an unguarded delete and an event. */
const steps = [
  "insert note",
  "update counter",
  "delete note",
  "find _outbox_tails",
  "findAndModify _outbox_lanes",
  "insert _outbox_tails",
  "insert _outbox",
  "update _commits",
  "commitTransaction",
];

function nameOf(command: Readonly<Record<string, unknown>>): string {
  const [name = "", collection] = Object.entries(command)[0] ?? [];
  return typeof collection === "string" ? `${name} ${collection}` : name;
}

describe.skipIf(!server?.canCut)("mongo: a commit that is interrupted", () => {
  let proxy: MongoProxy;
  let store: Store;
  let database: string;
  beforeEach(async () => {
    proxy = await openMongoProxy(server!.uri);
    database = databaseName();
    store = await openMongoStore({ uri: proxy.uri, database, collections: contractCollections });
    await insert(store, note("gone"));
    const counter = {
      kind: "insert" as const,
      collection: "counter",
      document: { partition: "eu/p1", n: 0 },
    };
    await store.commit({ partition: "eu/p1", changes: [counter] });
  });
  afterEach(async () => {
    proxy.decide = () => "pass";
    await store.close();
    await proxy.close();
    await dropDatabase(server!.uri, database);
  });

  const commit = (target: Store) =>
    target.commit({
      partition: "eu/p1",
      changes: [
        { kind: "insert", collection: "note", document: note("left", { email: "a@x" }) },
        { kind: "insert", collection: "note", document: note("right") },
        { kind: "replace", collection: "counter", document: { partition: "eu/p1", n: 1 }, ifRevision: 1 },
        { kind: "delete", collection: "note", key: ["eu/p1", "gone"] },
      ],
      events: [event("e1")],
    });

  const expectStored = async (happened: boolean) => {
    const ids = happened ? ["left", "right"] : ["gone"];
    expect(await idsOf(store, { equals: ["eu/p1"], limit: 10 })).toEqual(ids);
    const n = happened ? 1 : 0;
    const stored = { document: { partition: "eu/p1", n }, revision: n + 1 };
    expect(await store.get("counter", ["eu/p1"])).toEqual(stored);
    expect((await store.readOutbox(10)).map((entry) => entry.event.id)).toEqual(happened ? ["e1"] : []);
  };

  /** Applies a fate to this command of the commit, as often as told, and counts. */
  const strike = (step: string, fate: Fate, times: number) => {
    const struck = { times: 0, names: [] as string[] };
    proxy.decide = (command) => {
      const name = nameOf(command);
      if ("txnNumber" in command) struck.names.push(name);
      if (name !== step || struck.times === times) return "pass";
      struck.times += 1;
      return fate;
    };
    return struck;
  };

  test("the steps are those of a commit", async () => {
    const { names } = strike("", "pass", 0);
    expect(await commit(store)).toEqual({ committed: true });
    expect(names).toEqual(steps);
    await expectStored(true);
  });

  describe.each(steps)("at %s", (step) => {
    test.each(["cut before", "cut after"] as const)(
      "%s: it happens once, and is known to have",
      async (fate) => {
        const struck = strike(step, fate, 1);
        expect(await commit(store)).toEqual({ committed: true });
        expect(struck.times).toBe(1);
        await expectStored(true);
      },
    );

    test.skipIf(!own)("by a server that dies: all or nothing, and the store goes on by itself", async () => {
      const killed: Promise<void>[] = [];
      proxy.decide = (command) => {
        if (killed.length > 0 || nameOf(command) !== step) return "pass";
        killed.push(own!.kill().then(() => own!.start()));
        return "pass";
      };
      const result = await commit(store);
      await Promise.all(killed);
      expect(killed).toHaveLength(1);
      expect(result).toEqual({ committed: true });
      await expectStored(true);
      await insert(store, note("after"));
    });
  });

  test.skipIf(!own)(
    "that the server did and forgot, as it died before it could answer, is not done again",
    async () => {
      let struck = 0;
      proxy.decide = (command) => {
        if (struck > 0 || nameOf(command) !== "commitTransaction") return "pass";
        struck += 1;
        return () => own!.kill().then(() => own!.start());
      };
      expect(await commit(store)).toEqual({ committed: true });
      expect(struck).toBe(1);
      await expectStored(true);
    },
  );

  /** A store that gives a commit up after half a second; where the machine stalls as it opens, it is opened again. */
  const openImpatient = (): Promise<Store> =>
    vi.waitFor(
      () =>
        openMongoStore({
          uri: proxy.uri,
          database,
          collections: contractCollections,
          timeoutMs: 500,
        }),
      { timeout: 15_000 },
    );

  /** Asks for a commit until it was asked for in vain once the server had heard of its end: a machine that stalls gives up before. */
  const commitInVain = async (impatient: Store, fates: Readonly<Record<string, Fate>>): Promise<void> => {
    let ends = 0;
    proxy.decide = (command) => {
      if (nameOf(command) === "commitTransaction") ends += 1;
      return fates[nameOf(command)] ?? "pass";
    };
    while (ends === 0)
      await expect(commit(impatient)).rejects.toMatchObject({ name: "StoreError", code: "unavailable" });
  };

  test("whose every answer is lost has happened once, though nobody can say so in time", async () => {
    const impatient = await openImpatient();
    await commitInVain(impatient, { commitTransaction: "cut after", "find _commits": "cut after" });
    proxy.decide = () => "pass";
    await expectStored(true);
    await impatient.close();
  });

  test.skipIf(!own)("that never reaches the server has not happened, and its values are free", async () => {
    const impatient = await openImpatient();
    await commitInVain(impatient, { commitTransaction: "cut before" });
    proxy.decide = () => "pass";
    await expectStored(false);
    await impatient.close();
    // The server would end the open transaction by itself, in a minute.
    await own!.kill();
    await own!.start();
    expect(await commit(store)).toEqual({ committed: true });
    await expectStored(true);
  });

  test("a duplicate that is another's is told from one's own, though the answer was lost", async () => {
    await insert(store, note("other", { email: "a@x" }));
    const struck = strike("insert note", "cut after", 1);
    const refused = { committed: false, reason: "duplicate", change: 0, index: "by_email" };
    expect(await commit(store)).toEqual(refused);
    expect(struck.times).toBe(1);
  });

  test("a duplicate counts only once its own commit was asked for, however often that fails", async () => {
    await insert(store, note("other", { email: "a@x" }));
    const struck = strike("find _commits", "cut before", 5);
    expect(await commit(store)).toMatchObject({ reason: "duplicate", index: "by_email" });
    expect(struck.times).toBe(5);
  });
});
