import { afterEach, describe, expect, test, vi } from "vitest";
import { createCollector } from "./collector.ts";
import { event } from "./contract.ts";
import { type EmbeddedUnderTest, openEmbeddedUnderTest } from "./events-under-test.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

describe("embedded events", () => {
  let subject: EmbeddedUnderTest;
  afterEach(() => subject.dispose());

  const all = { durable: "all", subjects: ["a.>"], backoffMs: 5 };
  const unavailable = { name: "EventsError", code: "unavailable" };

  test("an id is known for seven days, and then forgotten", async () => {
    let now = Date.UTC(2026, 0, 1);
    subject = await openEmbeddedUnderTest({ now: () => now });
    const got = createCollector();
    await subject.events.consume({ ...all, handle: got.handle });
    await subject.events.publish([event("e1")]);
    now += 7 * DAY_MS;
    await subject.events.publish([event("e1"), event("e2")]);
    // Forgetting happens at most once a minute.
    now += 60_000;
    await subject.events.publish([event("e1"), event("e2")]);
    await got.untilCount(3);
    expect(got.ids()).toEqual(["e1", "e2", "e1"]);
  });

  test("a retry waits for its time on the clock", async () => {
    let now = Date.UTC(2026, 0, 1);
    subject = await openEmbeddedUnderTest({ now: () => now });
    const got = createCollector((batch) => batch.some(({ id, attempt }) => id === "bad" && attempt < 3));
    await subject.events.consume({ ...all, batch: 1, backoffMs: 60_000, handle: got.handle });
    const stored = (attempts: number) =>
      vi.waitFor(async () => {
        const page = await subject.store.scan("event_retries", { equals: ["events", "all"], limit: 10 });
        expect(page.documents).toMatchObject([{ document: { attempts } }]);
      }, 15_000);
    await subject.events.publish([event("bad")]);
    await stored(1);
    now += 59_999;
    await subject.events.publish([event("e1")]);
    expect(got.ids()).toEqual(["bad"]);
    now += 1;
    await subject.events.publish([event("e2")]);
    await got.untilCount(4);
    expect(got.ids()).toEqual(["bad", "bad", "e1", "e2"]);
    await stored(2);
    // The second delay is twice the first, but no more than a minute.
    now += 60_000;
    await subject.events.publish([event("e3")]);
    await got.untilCount(6);
    expect(got.ids().slice(4)).toEqual(["bad", "e3"]);
  });

  test("the log is pruned once all durables are past it, and not before", async () => {
    subject = await openEmbeddedUnderTest();
    const [fast, slow] = [createCollector(), createCollector()];
    await subject.events.consume({ ...all, handle: fast.handle });
    await (await subject.events.consume({ ...all, durable: "slow", handle: slow.handle })).close();
    const logged = async () => {
      const page = await subject.store.scan("event_log", { equals: ["events"], limit: 10_000 });
      return page.documents.length;
    };
    for (let i = 0; i < 600; i += 200) {
      await subject.events.publish(Array.from({ length: 200 }, (_, n) => event(`e${i + n}`)));
    }
    await fast.untilCount(600);
    expect(await logged()).toBe(600);
    await subject.events.consume({ ...all, durable: "slow", handle: slow.handle });
    await slow.untilCount(600);
    await vi.waitFor(async () => expect(await logged()).toBeLessThan(256), { timeout: 15_000 });
    expect(slow.ids()).toEqual(fast.ids());
  });

  test("a publish that the store refuses is unavailable; sent again it is stored once", async () => {
    subject = await openEmbeddedUnderTest();
    const got = createCollector();
    await subject.events.consume({ ...all, handle: got.handle });
    for (const failure of ["before", "after"] as const) {
      subject.failure = failure;
      await expect(subject.events.publish([event(failure)])).rejects.toMatchObject(unavailable);
      subject.failure = "none";
      await subject.events.publish([event(failure), event(`${failure}-next`)]);
    }
    await got.until(() => got.ids().includes("after-next"));
    expect([...new Set(got.ids())]).toEqual(["before", "before-next", "after", "after-next"]);
  });

  test("a batch whose acknowledgement fails is delivered again", async () => {
    subject = await openEmbeddedUnderTest();
    const got = createCollector();
    await subject.events.consume({
      ...all,
      handle: async (batch) => {
        subject.failure = got.batches.length === 0 ? "before" : "none";
        await got.handle(batch);
      },
    });
    await subject.events.publish([event("e1")]);
    await got.untilCount(2);
    expect(got.ids()).toEqual(["e1", "e1"]);
  });
});
