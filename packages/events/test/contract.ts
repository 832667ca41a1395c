import type { OutboxEvent } from "@wellapi/store";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Events } from "../src/index.ts";
import { createCollector } from "./collector.ts";
import { listen } from "./listening.ts";

export interface EventsUnderTest {
  readonly events: Events;
  /** Closes the engine and opens the same data again. */
  reopen(): Promise<Events>;
  dispose(): Promise<void>;
}

export function event(id: string, subject = "a.created"): OutboxEvent {
  return { id, subject, data: new TextEncoder().encode(id), headers: { traceparent: "00-1" } };
}

/** What every engine of the events port must hold. */
export function describeEventsContract(name: string, open: () => Promise<EventsUnderTest>): void {
  describe(`events contract: ${name}`, () => {
    let subject: EventsUnderTest;
    let events: Events;
    beforeEach(async () => {
      subject = await open();
      events = subject.events;
    });
    afterEach(() => subject.dispose());

    const all = { durable: "all", subjects: ["a.>"], backoffMs: 5 };
    const publish = (...ids: string[]) => events.publish(ids.map((id) => event(id)));
    const listenTo = (name: string) => listen(events, name);
    const numbered = (count: number, prefix = "e") =>
      Array.from({ length: count }, (_, i) => `${prefix}${i}`);

    test("delivers whole events in publish order, to each durable once", async () => {
      const [first, second] = [createCollector(), createCollector()];
      await events.consume({ ...all, handle: first.handle });
      await events.consume({ ...all, durable: "other", handle: second.handle });
      const ids = numbered(300);
      for (let i = 0; i < ids.length; i += 50) await publish(...ids.slice(i, i + 50));
      await Promise.all([first.untilCount(300), second.untilCount(300)]);
      expect(first.ids()).toEqual(ids);
      expect(second.ids()).toEqual(ids);
      expect(first.batches[0]?.[0]).toEqual({ ...event("e0"), attempt: 1 });
    });

    test("filters by exact subject and by prefix", async () => {
      const got = createCollector();
      await events.consume({ ...all, subjects: ["a.created", "b.>"], handle: got.handle });
      const subjects = ["a.created", "a.created.x", "a", "b", "bc.x", "b.c.d", "b.e", "a.created"];
      await events.publish(subjects.map((name, i) => event(`e${i}`, name)));
      await got.untilCount(4);
      expect(got.ids()).toEqual(["e0", "e5", "e6", "e7"]);
    });

    test("a new durable starts at now, a known one where it was, also after a restart", async () => {
      await publish("before");
      const first = createCollector();
      const consumer = await events.consume({ ...all, handle: first.handle });
      await publish("e1");
      await first.untilCount(1);
      await consumer.close();
      await publish("e2");
      events = await subject.reopen();
      await publish("e3");
      const second = createCollector();
      await events.consume({ ...all, handle: second.handle });
      await second.untilCount(2);
      expect([first.ids(), second.ids()]).toEqual([["e1"], ["e2", "e3"]]);
    });

    test("ignores an id that was published before: in one call, in concurrent calls, after a restart", async () => {
      const got = createCollector();
      const consumer = await events.consume({ ...all, handle: got.handle });
      await Promise.all([publish("e1", "e1"), publish("e1", "e2"), publish("e2")]);
      await got.untilCount(2);
      await consumer.close();
      events = await subject.reopen();
      await events.consume({ ...all, handle: got.handle });
      await publish("e2", "e3");
      await got.untilCount(3);
      expect(got.ids()).toEqual(["e1", "e2", "e3"]);
    });

    test("gives a batch of at most the size asked for", async () => {
      const got = createCollector();
      await events.consume({ ...all, batch: 3, handle: got.handle });
      await publish(...numbered(10));
      await got.untilCount(10);
      expect(Math.max(...got.batches.map((batch) => batch.length))).toBe(3);
    });

    test("after a rejection each event of the batch comes alone, and only the bad one again and again", async () => {
      const got = createCollector((batch) => batch.some(({ id }) => id === "bad"));
      await events.consume({ ...all, maxAttempts: 4, handle: got.handle });
      await publish("e1", "bad", "e2");
      await got.until(() => got.batches.flat().some(({ attempt }) => attempt === 4));
      expect(got.batches[0]?.map(({ id }) => id)).toEqual(["e1", "bad", "e2"]);
      const later = got.batches.slice(1);
      expect(later.every((batch) => batch.length === 1)).toBe(true);
      const alone = later.flat().map(({ id, attempt }) => `${id} ${attempt}`);
      expect(alone).toEqual(["e1 2", "bad 2", "e2 2", "bad 3", "bad 4"]);
    });

    test("an event that used up its attempts is a dead letter with the last error, oldest first", async () => {
      const got = createCollector((batch) => batch.some(({ id }) => id.startsWith("bad")));
      await events.consume({ ...all, batch: 1, maxAttempts: 2, handle: got.handle });
      await publish("bad1", "bad2", "good");
      await got.until(
        () => got.ids().includes("good") && got.batches.flat().filter((e) => e.attempt === 2).length === 2,
      );
      // A delivery after them tells that both have been settled.
      await publish("last");
      await got.until(() => got.ids().includes("last"));
      const letters = [
        { event: event("bad1"), error: "refused bad1" },
        { event: event("bad2"), error: "refused bad2" },
      ];
      expect(await events.deadLetters("all", 10)).toEqual(letters);
      expect(await events.deadLetters("all", 1)).toEqual(letters.slice(0, 1));
      expect(await events.deadLetters("other", 10)).toEqual([]);
      events = await subject.reopen();
      expect(await events.deadLetters("all", 10)).toEqual(letters);
    });

    test("replays dead letters to their durable alone, all or by id, with new attempts", async () => {
      let broken = true;
      const got = createCollector((batch) => broken && batch.some(({ id }) => id.startsWith("bad")));
      const other = createCollector();
      await events.consume({ ...all, maxAttempts: 1, handle: got.handle });
      await events.consume({ ...all, durable: "other", handle: other.handle });
      const bad = numbered(300, "bad");
      await publish("bad-one", ...bad);
      const count = async () => (await events.deadLetters("all", 1000)).length;
      await vi.waitFor(async () => expect(await count()).toBe(301), 15_000);
      broken = false;
      got.batches.length = 0;
      expect(await events.replayDeadLetters("all", ["bad7", "unknown"])).toBe(1);
      await got.untilCount(1);
      expect(got.batches).toEqual([[{ ...event("bad7"), attempt: 1 }]]);
      expect(await events.replayDeadLetters("other")).toBe(0);
      expect(await events.replayDeadLetters("unknown")).toBe(0);
      expect(await events.replayDeadLetters("all")).toBe(300);
      await got.untilCount(301);
      expect(got.ids().sort()).toEqual(["bad-one", ...bad].sort());
      await vi.waitFor(async () => expect(await events.deadLetters("all", 10)).toEqual([]), 15_000);
      await publish("end");
      await other.until(() => other.ids().includes("end"));
      expect(other.ids()).toEqual(["bad-one", ...bad, "end"]);
    });

    test("what is replayed and fails again is a dead letter again, also after a restart", async () => {
      const failing = createCollector(() => true);
      await events.consume({ ...all, maxAttempts: 1, handle: failing.handle });
      const bad = numbered(30, "bad");
      await publish(...bad);
      const areDead = () =>
        vi.waitFor(async () => {
          const letters = await events.deadLetters("all", 100);
          expect(letters.map((letter) => letter.event.id).sort()).toEqual(bad.toSorted());
        }, 15_000);
      await areDead();
      // The first of them fail again while the last are still replayed: each is replayed once.
      expect(await events.replayDeadLetters("all")).toBe(30);
      await failing.untilCount(60);
      await areDead();
      events = await subject.reopen();
      expect(await events.replayDeadLetters("all")).toBe(30);
      const got = createCollector();
      await events.consume({ ...all, maxAttempts: 1, handle: got.handle });
      await got.untilCount(30);
      expect(got.ids().sort()).toEqual(bad.toSorted());
    });

    test("a bad event does not hold up later ones", async () => {
      const got = createCollector((batch) => batch.some(({ id }) => id === "bad"));
      await events.consume({ ...all, backoffMs: 200, handle: got.handle, batch: 1 });
      await publish("bad");
      await got.untilCount(1);
      await publish(...numbered(5));
      await got.until(() => got.ids().includes("e4"));
      // Its ten attempts take a minute; the others did not wait for them.
      expect(got.ids().filter((id) => id === "bad").length).toBeLessThan(6);
    });

    test("what failed is tried again after a restart", async () => {
      const failing = createCollector(() => true);
      const consumer = await events.consume({ ...all, backoffMs: 50, handle: failing.handle });
      await publish("e1");
      await failing.untilCount(1);
      await consumer.close();
      events = await subject.reopen();
      const got = createCollector();
      await events.consume({ ...all, handle: got.handle });
      await got.untilCount(1);
      expect(got.batches).toEqual([[{ ...event("e1"), attempt: 2 }]]);
    });

    test("two consumers of one durable share the work", async () => {
      const [first, second] = [createCollector(), createCollector()];
      const either = () => first.ids().length + second.ids().length >= 40;
      await events.consume({ ...all, batch: 2, handle: first.handle });
      await events.consume({ ...all, batch: 2, handle: second.handle });
      await publish(...numbered(40));
      await Promise.race([first.until(either), second.until(either)]);
      expect([...first.ids(), ...second.ids()].sort()).toEqual(numbered(40).sort());
      expect(first.ids().length).toBeGreaterThan(0);
      expect(second.ids().length).toBeGreaterThan(0);
    });

    test("close of a consumer waits for its batch, which is then acknowledged, and delivers nothing more", async () => {
      const started = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      const first = createCollector();
      const consumer = await events.consume({
        ...all,
        handle: async (batch) => {
          await first.handle(batch);
          started.resolve();
          await release.promise;
        },
      });
      await publish("e1");
      await started.promise;
      let closed = false;
      const closing = consumer.close().then(() => {
        closed = true;
      });
      await publish("e2");
      expect(closed).toBe(false);
      release.resolve();
      await closing;
      const second = createCollector();
      await events.consume({ ...all, handle: second.handle });
      await second.untilCount(1);
      expect([first.ids(), second.ids()]).toEqual([["e1"], ["e2"]]);
    });

    test("a signal reaches all who listen to its name, in order, and a listener that throws keeps it from nobody", async () => {
      const [first, second, other] = [listenTo("a.changed"), listenTo("a.changed"), listenTo("a.changed.x")];
      events.onSignal("a.changed", {
        received() {
          throw new Error("planted");
        },
        missed: () => undefined,
      });
      const data = new TextEncoder().encode("one");
      events.signal("a.changed", data);
      data.fill(0);
      // Nobody listens inside the sender's call.
      expect(first.got).toEqual([]);
      for (const text of ["two", "three"]) events.signal("a.changed", new TextEncoder().encode(text));
      events.signal("a.changed.x", new Uint8Array());
      await other.until(() => other.got.length === 1);
      expect(first.got).toEqual(["one", "two", "three"]);
      expect(second.got).toEqual(first.got);
    });

    test("a signal is not kept: who listens later, or listens no more, does not get it", async () => {
      const early = listenTo("a.changed");
      events.signal("a.changed", new TextEncoder().encode("before"));
      await early.until(() => early.got.length === 1);
      early.stop();
      const late = listenTo("a.changed");
      events.signal("a.changed", new TextEncoder().encode("after"));
      await late.until(() => late.got.length > 0);
      expect([early.got, late.got]).toEqual([["before"], ["after"]]);
    });

    test("close is idempotent, and later calls are unavailable", async () => {
      await events.consume({ ...all, handle: async () => undefined });
      await Promise.all([publish("e1"), events.close(), events.close()]);
      const unavailable = { name: "EventsError", code: "unavailable" };
      await expect(publish("e2")).rejects.toMatchObject(unavailable);
      await expect(events.consume({ ...all, handle: async () => undefined })).rejects.toMatchObject(
        unavailable,
      );
      await expect(events.deadLetters("all", 1)).rejects.toMatchObject(unavailable);
      await expect(events.replayDeadLetters("all")).rejects.toMatchObject(unavailable);
      expect(() => listenTo("a.changed")).toThrow(expect.objectContaining(unavailable));
      // As a signal without a connection: dropped.
      events.signal("a.changed", new Uint8Array());
    });

    test("refuses what breaks the contract, and publishes nothing of it", async () => {
      const invalid = { name: "EventsError", code: "invalid" };
      const got = createCollector();
      await events.consume({ ...all, handle: got.handle });
      await expect(events.publish([event("e1"), event("e2", "a..b")])).rejects.toMatchObject(invalid);
      await expect(events.publish([event("e1"), event("")])).rejects.toMatchObject(invalid);
      for (const fields of [
        { durable: "a b" },
        { subjects: [] },
        { subjects: ["*"] },
        { batch: 0 },
        { maxAttempts: 0 },
      ]) {
        const consuming = events.consume({ ...all, durable: "other", handle: got.handle, ...fields });
        await expect(consuming).rejects.toMatchObject(invalid);
      }
      for (const name of ["", "a..b", "a.>", "*"]) {
        expect(() => events.signal(name, new Uint8Array())).toThrow(expect.objectContaining(invalid));
        expect(() => listenTo(name)).toThrow(expect.objectContaining(invalid));
      }
      const large = new Uint8Array(64 * 1024 + 1);
      expect(() => events.signal("a.changed", large)).toThrow(expect.objectContaining(invalid));
      await publish("e3");
      await got.untilCount(1);
      expect(got.ids()).toEqual(["e3"]);
    });
  });
}
