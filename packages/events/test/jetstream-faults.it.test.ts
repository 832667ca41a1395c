import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore, type Store } from "@wellapi/store";
import { afterEach, describe, expect, test } from "vitest";
import { type ElectedRelay, openElectedRelay, relayCollections } from "../src/index.ts";
import { createCollector } from "./collector.ts";
import { event } from "./contract.ts";
import { openJetStreamUnderTest, withJetStream } from "./jetstream-under-test.ts";
import { findNatsServer, type NatsServers, openNatsServers } from "./nats-server.ts";

// These stop servers, so they bring their own, also where WELLAPI_NATS_URL names one.
const tool = await findNatsServer();
const all = { durable: "all", subjects: ["a.>"], backoffMs: 20 };
const unavailable = { name: "EventsError", code: "unavailable" };
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(!tool)("JetStream on bad days", () => {
  const closers: Array<() => Promise<unknown>> = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  const openServers = async (count: number): Promise<NatsServers> => {
    const servers = await openNatsServers(tool!, count);
    closers.push(servers.close);
    return servers;
  };
  const openStore = async (): Promise<Store> => {
    const folder = await mkdtemp(join(tmpdir(), "wellapi-outage-"));
    closers.push(() => rm(folder, { recursive: true }));
    const store = await openSqliteStore({ path: join(folder, "store.db"), collections: relayCollections });
    closers.push(store.close);
    return store;
  };

  /** Commits events of some patients, as ingestion does, until it is stopped; says what it committed, in order. */
  const startCommitting = (store: Store, relay: ElectedRelay) => {
    const committed: string[] = [];
    let stopping = false;
    const run = async () => {
      while (!stopping) {
        const id = `e${committed.length}`;
        const partition = `local/p${committed.length % 5}`;
        await store.commit({ partition, changes: [], events: [event(id)] });
        committed.push(id);
        relay.notify();
        await sleep(2);
      }
      return committed;
    };
    const running = run();
    const stop = () => {
      stopping = true;
      return running;
    };
    closers.push(stop);
    return { committed, stop };
  };

  const startRelay = (store: Store, events: Parameters<typeof openElectedRelay>[0]["events"]) => {
    const relay = openElectedRelay({ store, events, holder: "a", intervalMs: 100, onError: () => undefined });
    closers.push(() => relay.close());
    return relay;
  };

  test("NATS is away for some seconds: commits go on, and then everything arrives, in order", async () => {
    const servers = await openServers(1);
    const [server] = servers.servers;
    const subject = await openJetStreamUnderTest(servers.urls);
    closers.push(subject.dispose);
    const got = createCollector();
    await subject.events.consume({ ...all, handle: got.handle });
    const store = await openStore();
    const relay = startRelay(store, subject.events);
    const { committed, stop } = startCommitting(store, relay);
    for (let i = 0; i < 2; i += 1) {
      await got.untilCount(got.ids().length + 100);
      await server?.kill();
      const before = committed.length;
      await sleep(3000);
      expect(committed.length).toBeGreaterThan(before + 100);
      await server?.start();
      const backAt = performance.now();
      await got.until(() => got.ids().includes(committed.at(-1)!));
      expect(performance.now() - backAt).toBeLessThan(10_000);
    }
    const ids = await stop();
    await got.until(() => got.ids().includes(ids.at(-1)!));
    expect([...new Set(got.ids())]).toEqual(ids);
    expect(await store.readOutbox(1)).toEqual([]);
  });

  test("a call while NATS is away is unavailable in time, and so is the start; both work once it is back", async () => {
    const servers = await openServers(1);
    const [server] = servers.servers;
    const subject = await openJetStreamUnderTest(servers.urls, { timeoutMs: 500 });
    closers.push(subject.dispose);
    const got = createCollector();
    await subject.events.consume({ ...all, handle: got.handle });
    await server?.kill();
    const askedAt = performance.now();
    await expect(subject.events.publish([event("lost")])).rejects.toMatchObject(unavailable);
    await expect(subject.events.lag("all")).rejects.toMatchObject(unavailable);
    const second = await subject.openAnother({ timeoutMs: 500 });
    await expect(second.publish([event("lost")])).rejects.toMatchObject(unavailable);
    await expect(second.consume({ ...all, handle: got.handle })).rejects.toMatchObject(unavailable);
    expect(performance.now() - askedAt).toBeLessThan(4000);
    await server?.start();
    await expect
      .poll(() => second.publish([event("e1")]).catch((error: unknown) => error), { timeout: 10_000 })
      .toBeUndefined();
    await got.until(() => got.ids().includes("e1"));
    // What was refused was not kept behind the caller's back.
    expect(got.ids()).toEqual(["e1"]);
    await server?.kill();
    const closedAt = performance.now();
    await second.close();
    expect(performance.now() - closedAt).toBeLessThan(4000);
    await server?.start();
  });

  test("of a cluster of three, each killed in turn under publishing: nothing is lost or reordered", async () => {
    const servers = await openServers(3);
    await healthy(servers);
    const subject = await openJetStreamUnderTest(servers.urls, { replicas: 3 });
    closers.push(subject.dispose);
    const got = createCollector();
    const failures: unknown[] = [];
    await subject.events.consume({ ...all, handle: got.handle });
    const store = await openStore();
    const relay = startRelay(store, subject.events);
    const { stop } = startCommitting(store, relay);
    for (const server of servers.servers) {
      await got.untilCount(got.ids().length + 50);
      await server.kill();
      // The two that are left go on.
      await got.untilCount(got.ids().length + 200);
      await server.start();
      await replicated(servers, subject.stream);
    }
    const ids = await stop();
    await got.until(() => got.ids().includes(ids.at(-1)!));
    expect([...new Set(got.ids())]).toEqual(ids);
    expect(failures).toEqual([]);
    expect(await store.readOutbox(1)).toEqual([]);
  }, 40_000);
});

/** Until the cluster takes a stream of three. */
async function healthy(servers: NatsServers): Promise<void> {
  await expect
    .poll(
      () =>
        withJetStream(servers.urls, async (jsm) => {
          await jsm.streams.add({ name: "probe", subjects: ["probe"], num_replicas: 3 });
          return jsm.streams.delete("probe");
        }).catch((error: unknown) => error),
      { timeout: 20_000 },
    )
    .toBe(true);
}

/** Until every copy of the stream is up to date. */
async function replicated(servers: NatsServers, stream: string): Promise<void> {
  await expect
    .poll(
      () =>
        withJetStream(servers.urls, async (jsm) => {
          const { cluster } = await jsm.streams.info(stream);
          return cluster?.replicas?.filter(({ current, offline }) => current && !offline).length;
        }).catch((error: unknown) => error),
      { timeout: 20_000 },
    )
    .toBe(2);
}
