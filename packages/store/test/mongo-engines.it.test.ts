import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openMongoStore, type Store } from "../src/index.ts";
import { createPositions } from "../src/mongo/positions.ts";
import { openMongoServer } from "./mongo-server.ts";
import { databaseName, dropDatabase, withClient } from "./mongo-under-test.ts";
import { contractCollections, event, insert, note } from "./notes.ts";

vi.setConfig({ testTimeout: 60_000 });
const server = await openMongoServer();
afterAll(() => server?.stop());

describe.skipIf(!server)("mongo: two engines on one database", () => {
  const hour = 3_600_000;
  let database: string;
  let stores: [Store, Store];
  beforeEach(async () => {
    database = databaseName();
    // Their clocks are two hours apart.
    const open = (shift: number) =>
      openMongoStore({
        uri: server!.uri,
        database,
        collections: contractCollections,
        clock: { now: () => Date.now() + shift },
      });
    stores = await Promise.all([open(hour), open(-hour)]);
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await dropDatabase(server!.uri, database);
  });

  const counter = (n: number) => ({ partition: "eu/p1", n });

  test("guarded replaces that race lose nothing, and positions keep the order of commits", async () => {
    const first = { kind: "insert" as const, collection: "counter", document: counter(0) };
    await stores[0].commit({ partition: "eu/p1", changes: [first] });
    const increment = async (store: Store): Promise<void> => {
      const stored = (await store.get<ReturnType<typeof counter>>("counter", ["eu/p1"]))!;
      const document = counter(stored.document.n + 1);
      const replace = { kind: "replace" as const, collection: "counter", document };
      const changes = [{ ...replace, ifRevision: stored.revision }];
      // An event names the commit it came with, so the order of commits can be read from the outbox.
      const result = await store.commit({ partition: "eu/p1", changes, events: [event(`e${document.n}`)] });
      if (!result.committed) await increment(store);
    };
    await Promise.all(Array.from({ length: 30 }, (_, i) => increment(stores[i % 2]!)));
    expect(await stores[1].get("counter", ["eu/p1"])).toEqual({ document: counter(30), revision: 31 });
    const entries = await stores[0].readOutbox(100);
    expect(entries.map((entry) => entry.event.id)).toEqual(Array.from({ length: 30 }, (_, i) => `e${i + 1}`));
  });

  test("of inserts that race for one unique value across partitions, one is stored", async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        const document = note("a", { email: "a@x" }, `eu/p${i}`);
        const changes = [{ kind: "insert" as const, collection: "note", document }];
        return stores[i % 2]!.commit({ partition: document.partition, changes, events: [event(`e${i}`)] });
      }),
    );
    const winners = results.flatMap((result, i) => (result.committed ? [`e${i}`] : []));
    expect(winners).toHaveLength(1);
    expect((await stores[0].readOutbox(100)).map((entry) => entry.event.id)).toEqual(winners);
    const refused = { committed: false, reason: "duplicate", change: 0, index: "by_email" };
    expect(results.filter((result) => !result.committed)).toEqual(Array(19).fill(refused));
  });

  test("no position is given twice, whichever engine, partition and clock", async () => {
    const commits = Array.from({ length: 40 }, (_, i) =>
      stores[i % 2]!.commit({
        partition: `eu/p${i % 8}`,
        changes: [],
        events: [event(`a${i}`), event(`b${i}`)],
      }),
    );
    await Promise.all(commits);
    const entries = await stores[0].readOutbox(100);
    expect(new Set(entries.map((entry) => entry.position)).size).toBe(80);
    await stores[0].deleteOutbox(entries.slice(0, 79).map((entry) => entry.position));
    expect(await stores[1].readOutbox(100)).toEqual(entries.slice(79));
  });

  test("engines that share a lane never share a tick, also where a clock stands still or runs back", async () => {
    await withClient(server!.uri, async (client) => {
      const db = client.db(database);
      const times = [1_000_000, 1_000_000, 500_000, 2_000_000];
      const engines = times.map((time) => createPositions(db, () => time, 10_000, 7));
      const takes = Array.from({ length: 40 }, async (_, i) => {
        const engine = engines[i % engines.length]!;
        const first = await engine.take(3, 0);
        return [0, 1, 2].map((n) => engine.position(first + n));
      });
      const positions = (await Promise.all(takes)).flat();
      expect(new Set(positions).size).toBe(120);
      const mad = createPositions(db, () => Number.MAX_SAFE_INTEGER, 10_000, 7);
      await expect(mad.take(1, 0)).rejects.toMatchObject({ code: "unavailable" });
      const after = 10_000_000_000;
      expect(await engines[0]!.take(1, after)).toBe(after + 1);
    });
  });

  test("what one has committed the other reads", async () => {
    for (let i = 0; i < 20; i += 1) {
      await insert(stores[i % 2]!, note(`n${i}`));
      expect(await stores[(i + 1) % 2]!.get("note", ["eu/p1", `n${i}`])).toBeDefined();
    }
  });
});
