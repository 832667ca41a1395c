import type { OutboxEvent } from "@wellapi/store";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openRelay, type Relay } from "../src/index.ts";
import { createCollector } from "./collector.ts";
import { event } from "./contract.ts";
import { type EmbeddedUnderTest, openEmbeddedUnderTest } from "./events-under-test.ts";

describe("relay", () => {
  let subject: EmbeddedUnderTest;
  let relay: Relay | undefined;
  beforeEach(async () => {
    subject = await openEmbeddedUnderTest();
  });
  afterEach(async () => {
    await relay?.close();
    await subject.dispose();
  });

  const commit = async (...ids: string[]) => {
    const events = ids.map((id) => event(id));
    await subject.store.commit({ partition: "eu/p1", changes: [], events });
  };
  const collect = async () => {
    const got = createCollector();
    await subject.events.consume({ durable: "all", subjects: ["a.>"], handle: got.handle });
    return got;
  };
  const fail = (error: unknown) => expect.unreachable(String(error));
  const outbox = async () => (await subject.store.readOutbox(1000)).map((entry) => entry.event.id);

  test("moves what an earlier process left, then what it is notified of, in order, and empties the outbox", async () => {
    const got = await collect();
    const ids = Array.from({ length: 600 }, (_, i) => `e${i}`);
    await commit(...ids);
    relay = openRelay({ store: subject.store, events: subject.events, intervalMs: 60_000, onError: fail });
    await got.untilCount(600);
    await commit("later");
    relay.notify();
    await got.untilCount(601);
    expect(got.ids()).toEqual([...ids, "later"]);
    await vi.waitFor(async () => expect(await outbox()).toEqual([]), { timeout: 15_000 });
  });

  test("finds by itself what nobody notified it of", async () => {
    const got = await collect();
    relay = openRelay({ store: subject.store, events: subject.events, intervalMs: 10, onError: fail });
    await commit("e1");
    await got.untilCount(1);
    await commit("e2");
    await got.untilCount(2);
    expect(got.ids()).toEqual(["e1", "e2"]);
  });

  test("a failed publish leaves the outbox as it is, is told, and is tried again", async () => {
    const got = await collect();
    await commit("e1", "e2");
    const errors: unknown[] = [];
    const publish = async (events: readonly OutboxEvent[]) => {
      if (errors.length < 2) throw new Error("down");
      await subject.events.publish(events);
    };
    const onError = (error: unknown) => void errors.push(error);
    relay = openRelay({ store: subject.store, events: { publish }, intervalMs: 5, onError });
    await got.untilCount(2);
    expect(errors).toEqual([new Error("down"), new Error("down")]);
    expect(got.ids()).toEqual(["e1", "e2"]);
  });

  test("a crash between publishing and deleting repeats nothing to consumers", async () => {
    const got = await collect();
    await commit("e1");
    await subject.events.publish([event("e1")]);
    relay = openRelay({ store: subject.store, events: subject.events, intervalMs: 5, onError: fail });
    await vi.waitFor(async () => expect(await outbox()).toEqual([]), { timeout: 15_000 });
    await commit("e2");
    await got.until(() => got.ids().includes("e2"));
    expect(got.ids()).toEqual(["e1", "e2"]);
  });

  test("close waits for the batch under way and leaves later events in the outbox", async () => {
    await commit("e1");
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const publish = async () => {
      started.resolve();
      await release.promise;
    };
    relay = openRelay({ store: subject.store, events: { publish }, intervalMs: 5, onError: fail });
    await started.promise;
    await commit("e2");
    const closing = relay.close();
    release.resolve();
    await closing;
    expect(await outbox()).toEqual(["e2"]);
  });
});
