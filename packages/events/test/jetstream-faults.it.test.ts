import { fork } from "node:child_process";
import { once } from "node:events";
import { describe, expect, type OnTestFinishedHandler, test, vi } from "vitest";
import { createCollector } from "./collector.ts";
import { startCommitting } from "./committing.ts";
import { event } from "./contract.ts";
import { openJetStreamUnderTest, withJetStream } from "./jetstream-under-test.ts";
import { listen } from "./listening.ts";
import { findNatsServer, type NatsServers, openNatsServers } from "./nats-server.ts";

// These stop servers or take their time: each has servers of its own, and they run beside each other.
const tool = await findNatsServer();
const all = { durable: "all", subjects: ["a.>"], backoffMs: 20 };
const unavailable = { name: "EventsError", code: "unavailable" };
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `e${i}`);

async function openServers(
  count: number,
  finished: (close: OnTestFinishedHandler) => void,
): Promise<NatsServers> {
  const servers = await openNatsServers(tool!, count);
  finished(servers.close);
  return servers;
}

describe.skipIf(!tool)("JetStream on bad days", () => {
  test.concurrent("NATS is away for some seconds: commits go on, and then everything arrives, in order", async ({
    onTestFinished,
  }) => {
    const servers = await openServers(1, onTestFinished);
    const [server] = servers.servers;
    const subject = await openJetStreamUnderTest(servers.urls);
    onTestFinished(subject.dispose);
    const got = createCollector();
    await subject.events.consume({ ...all, handle: got.handle });
    const service = await startCommitting(subject.events);
    onTestFinished(service.close);
    const { store, committed, stop } = service;
    for (let i = 0; i < 2; i += 1) {
      await got.untilCount(got.ids().length + 100);
      await server?.kill();
      const before = committed.length;
      await sleep(3000);
      await vi.waitUntil(() => committed.length > before + 100, { timeout: 15_000 });
      await server?.start();
      await got.until(() => got.ids().includes(committed.at(-1)!));
    }
    const ids = await stop();
    await got.until(() => got.ids().includes(ids.at(-1)!));
    expect([...new Set(got.ids())]).toEqual(ids);
    expect(await store.readOutbox(1)).toEqual([]);
  });

  test.concurrent("a call while NATS is away is unavailable in time, and so is the start; both work once it is back", async ({
    onTestFinished,
  }) => {
    const servers = await openServers(1, onTestFinished);
    const [server] = servers.servers;
    const subject = await openJetStreamUnderTest(servers.urls, { timeoutMs: 500 });
    onTestFinished(subject.dispose);
    const got = createCollector();
    await subject.events.consume({ ...all, handle: got.handle });
    await server?.kill();
    await expect(subject.events.publish([event("lost")])).rejects.toMatchObject(unavailable);
    await expect(subject.events.backlog()).rejects.toMatchObject(unavailable);
    const second = await subject.openAnother({ timeoutMs: 500 });
    await expect(second.publish([event("lost")])).rejects.toMatchObject(unavailable);
    await expect(second.consume({ ...all, handle: got.handle })).rejects.toMatchObject(unavailable);
    // As at the start: it is done once NATS is there.
    await second.declare(["c.>"]);
    await expect(second.publish([event("lost", "c.created")])).rejects.toMatchObject(unavailable);
    await server?.start();
    await vi.waitFor(() => second.publish([event("e1")]), { timeout: 15_000 });
    await got.until(() => got.ids().includes("e1"));
    await second.publish([event("e2", "c.created")]);
    // What was refused was not kept behind the caller's back.
    expect(got.ids()).toEqual(["e1"]);
    await server?.kill();
    await second.close();
    await server?.start();
  });

  test.concurrent("signals pass between processes, are dropped while NATS is away, and pass again once it is back", async ({
    onTestFinished,
  }) => {
    const servers = await openServers(1, onTestFinished);
    const [server] = servers.servers;
    const subject = await openJetStreamUnderTest(servers.urls);
    onTestFinished(subject.dispose);
    const sender = await subject.openAnother();
    const send = (text: string) => sender.signal("a.changed", new TextEncoder().encode(text));
    const listener = listen(subject.events, "a.changed");
    // Two connections: until the listener's subscription is known, a signal gets lost.
    await vi.waitFor(() => {
      send("first");
      expect(listener.got).toContain("first");
    }, 15_000);
    const missed = listener.missed();
    await server?.kill();
    await vi.waitFor(() => expect([sender.connected(), subject.events.connected()]).toEqual([false, false]), {
      timeout: 15_000,
    });
    for (let i = 0; i < 100; i += 1) {
      send("lost");
      // Over the listener's own connection, which has its subscription again before anything else.
      subject.events.signal("a.changed", new TextEncoder().encode("lost"));
    }
    await server?.start();
    await vi.waitFor(() => expect(sender.connected()).toBe(true), { timeout: 15_000 });
    await listener.until(() => listener.missed() > missed);
    send("back");
    await listener.until(() => listener.got.includes("back"));
    expect(listener.got).not.toContain("lost");
    listener.stop();
    const other = listen(subject.events, "a.other");
    await vi.waitFor(() => {
      send("unheard");
      sender.signal("a.other", new TextEncoder().encode("heard"));
      expect(other.got).toContain("heard");
    }, 15_000);
    expect(listener.got).not.toContain("unheard");
  });

  test.concurrent("of a cluster of three, each killed in turn under publishing: nothing is lost or reordered", async ({
    onTestFinished,
  }) => {
    const servers = await openServers(3, onTestFinished);
    await healthy(servers);
    const subject = await openJetStreamUnderTest(servers.urls, { replicas: 3 });
    onTestFinished(subject.dispose);
    const got = createCollector();
    await subject.events.consume({ ...all, handle: got.handle });
    const service = await startCommitting(subject.events);
    onTestFinished(service.close);
    const { store, stop } = service;
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
    expect(await store.readOutbox(1)).toEqual([]);
  }, 90_000);

  test.concurrent("a batch that takes long is neither given twice nor overtaken", async ({
    onTestFinished,
  }) => {
    const { urls } = await openServers(1, onTestFinished);
    const subject = await openJetStreamUnderTest(urls);
    onTestFinished(subject.dispose);
    const another = await subject.openAnother();
    const got = createCollector();
    const handle = async (batch: Parameters<typeof got.handle>[0]) => {
      await got.handle(batch);
      // Longer than the server waits for an acknowledgement, and than it keeps the durable for one process.
      if (got.batches.length === 1) await new Promise((resolve) => setTimeout(resolve, 9500));
      await got.handle([{ ...event("done"), attempt: 1 }]);
    };
    for (const events of [subject.events, another]) await events.consume({ ...all, batch: 2, handle });
    await subject.events.publish(["e1", "e2", "e3"].map((id) => event(id)));
    await got.untilCount(5);
    expect(got.ids()).toEqual(["e1", "e2", "done", "e3", "done"]);
  });

  test.concurrent("what a killed process held goes to another, before what came later", async ({
    onTestFinished,
  }) => {
    const { urls } = await openServers(1, onTestFinished);
    const subject = await openJetStreamUnderTest(urls);
    onTestFinished(subject.dispose);
    const worker = fork(
      new URL("./jetstream-worker.ts", import.meta.url),
      [urls.join(), subject.stream, "all"],
      { execArgv: [] },
    );
    const [ready] = await once(worker, "message");
    expect(ready).toEqual({ ready: true });
    await subject.events.publish(numbered(20).map((id) => event(id)));
    const [taken] = await once(worker, "message");
    expect(taken).toEqual({ ids: numbered(5) });
    const exit = once(worker, "exit");
    worker.kill("SIGKILL");
    await exit;
    const got = createCollector();
    await subject.events.consume({ ...all, batch: 5, handle: got.handle });
    await got.untilCount(20);
    expect(got.ids()).toEqual(numbered(20));
    expect(got.batches.flat().map(({ attempt }) => attempt)).toEqual([
      ...Array.from({ length: 5 }, () => 2),
      ...Array.from({ length: 15 }, () => 1),
    ]);
  });
});

/** Until the cluster takes a stream of three. */
async function healthy({ urls }: NatsServers): Promise<void> {
  await vi.waitFor(
    () =>
      withJetStream(urls, async (jsm) => {
        await jsm.streams.add({ name: "probe", subjects: ["probe"], num_replicas: 3 });
        await jsm.streams.delete("probe");
      }),
    { timeout: 20_000, interval: 200 },
  );
}

/** Until every copy of the stream is up to date. */
async function replicated({ urls }: NatsServers, stream: string): Promise<void> {
  await vi.waitFor(
    () =>
      withJetStream(urls, async (jsm) => {
        const { cluster } = await jsm.streams.info(stream);
        expect(cluster?.replicas?.filter(({ current, offline }) => current && !offline).length).toBe(2);
      }),
    { timeout: 20_000, interval: 200 },
  );
}
