import { nanos } from "@nats-io/transport-node";
import fc from "fast-check";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCollector } from "./collector.ts";
import { describeEventsContract, event } from "./contract.ts";
import {
  type JetStreamUnderTest,
  openJetStreamUnderTest,
  subjects,
  withJetStream,
} from "./jetstream-under-test.ts";
import { findNatsServer, openNatsServers } from "./nats-server.ts";

const external = process.env.WELLAPI_NATS_URL;
const tool = external ? undefined : await findNatsServer();
const own = tool && (await openNatsServers(tool, 1));
afterAll(() => own?.close());

const servers = external ? [external] : (own?.urls ?? []);
const HOUR_MS = 60 * 60 * 1000;
const invalid = (message: RegExp) =>
  expect.objectContaining({ name: "EventsError", code: "invalid", message: expect.stringMatching(message) });

describe.skipIf(servers.length === 0)("JetStream", () => {
  describeEventsContract("JetStream", () => openJetStreamUnderTest(servers));

  describe("beyond the contract", () => {
    let subject: JetStreamUnderTest;
    beforeEach(async () => {
      subject = await openJetStreamUnderTest(servers);
    });
    afterEach(() => subject.dispose());

    const all = { durable: "all", subjects: ["a.>"], backoffMs: 5 };
    const numbered = (count: number, prefix = "e") =>
      Array.from({ length: count }, (_, i) => `${prefix}${i}`);
    const publish = (...ids: string[]) => subject.events.publish(ids.map((id) => event(id)));
    const config = (stream = subject.stream) =>
      withJetStream(servers, async (jsm) => (await jsm.streams.info(stream)).config);
    const consumerConfig = () =>
      withJetStream(servers, async (jsm) => (await jsm.consumers.info(subject.stream, "all")).config);

    test("declares streams in files, and a second start changes nothing", async () => {
      expect(await config()).toMatchObject({
        storage: "file",
        retention: "limits",
        discard: "new",
        allow_atomic: true,
        duplicate_window: nanos(7 * 24 * HOUR_MS),
      });
      expect(await config(`${subject.stream}_dead`)).toMatchObject({ storage: "file", max_age: 0 });
      const said: string[] = [];
      const log = { info: (_: object, message: string) => said.push(message), warn: () => undefined };
      const second = await subject.openAnother({ log });
      await second.consume({ ...all, handle: async () => undefined });
      await second.close();
      const third = await subject.openAnother({ log });
      await third.consume({ ...all, handle: async () => undefined });
      // Only the durable was new, and once.
      expect(said).toEqual(["the durable was reconciled"]);
    });

    test("raises what was changed by hand to what is declared, and lowers nothing", async () => {
      const before = await config();
      await withJetStream(servers, (jsm) =>
        jsm.streams.update(subject.stream, {
          ...before,
          subjects: [...before.subjects, "of.another"],
          discard: "old",
          duplicate_window: nanos(HOUR_MS),
          max_age: 0,
          max_msgs: 5,
        }),
      );
      await subject.openAnother({ subjects: ["a.>", "a.created", "new.>"] });
      expect(await config()).toMatchObject({
        subjects: expect.arrayContaining([...before.subjects, "of.another", "new.>"]),
        discard: "new",
        duplicate_window: nanos(7 * 24 * HOUR_MS),
        max_age: 0,
        max_msgs: -1,
      });
    });

    test("refuses a stream that is not one of events, and leaves it as it is", async () => {
      const stream = `${subject.stream}-queue`;
      const kind = { retention: "workqueue", storage: "file" } as const;
      const queue = { name: stream, subjects: ["queue.>"], ...kind };
      await withJetStream(servers, (jsm) => jsm.streams.add(queue));
      await expect(subject.openAnother({ stream, subjects: ["queue.>"] })).rejects.toEqual(
        invalid(/has workqueue retention/),
      );
      expect((await config(stream)).retention).toBe("workqueue");
    });

    test("refuses subjects that another stream holds, and more replicas than there are servers", async () => {
      const stream = `${subject.stream}-other`;
      await expect(subject.openAnother({ stream, subjects: ["a.created"] })).rejects.toEqual(
        invalid(/subjects overlap/),
      );
      await expect(subject.openAnother({ stream, subjects: ["c"], replicas: 7 })).rejects.toEqual(
        invalid(/cannot be declared/),
      );
    });

    test("declares what is consumed, and what is published later; a refusal takes nothing from the others", async () => {
      const other = await subject.openAnother({ subjects: ["b"] });
      const got = createCollector();
      // No process has published these yet.
      await other.consume({ durable: "early", subjects: ["c.>", "d.created"], handle: got.handle });
      expect((await config()).subjects).toEqual(expect.arrayContaining([...subjects, "c.>", "d.created"]));
      await expect(other.publish([event("e1", "e.created")])).rejects.toEqual(invalid(/not declared/));
      await withJetStream(servers, (jsm) =>
        jsm.streams.add({ name: `${subject.stream}-queue`, subjects: ["f.>"] }),
      );
      await expect(other.declare(["e.>", "f.created"])).rejects.toEqual(invalid(/subjects overlap/));
      await expect(other.publish([event("e1", "e.created")])).rejects.toEqual(invalid(/not declared/));
      await Promise.all([other.declare(["c.>"]), other.declare(["d.>"])]);
      await other.publish([event("e1", "c.created"), event("e2", "d.created"), event("e3", "b")]);
      await got.untilCount(2);
      expect(got.ids()).toEqual(["e1", "e2"]);
      expect((await config()).subjects).toEqual(expect.arrayContaining([...subjects, "c.>", "d.>"]));
    });

    test("gives a durable its declared settings and subjects again, and refuses a foreign one", async () => {
      const consumer = await subject.events.consume({ ...all, handle: async () => undefined });
      await consumer.close();
      await withJetStream(servers, async (jsm) => {
        const { config: changed } = await jsm.consumers.info(subject.stream, "all");
        await jsm.consumers.update(subject.stream, "all", {
          ...changed,
          ack_wait: nanos(60_000),
          max_deliver: 3,
        });
        const foreign = { durable_name: "foreign", ack_policy: "none", deliver_policy: "all" } as const;
        await jsm.consumers.add(subject.stream, foreign);
      });
      await subject.reopen();
      const got = createCollector();
      await subject.events.consume({ ...all, subjects: ["a.>", "b.>"], handle: got.handle });
      await subject.events.publish([event("e1", "b.created")]);
      await got.untilCount(1);
      expect(await consumerConfig()).toMatchObject({ ack_wait: nanos(5000), max_deliver: -1 });
      const consuming = subject.events.consume({ ...all, durable: "foreign", handle: got.handle });
      await expect(consuming).rejects.toEqual(invalid(/has none acknowledgement/));
    });

    test("refuses subjects that are not declared, and headers with a meaning to the engine", async () => {
      await expect(subject.events.publish([event("e1", "c.created")])).rejects.toEqual(
        invalid(/not declared/),
      );
      const headers = { "nats-expected-stream": "other" };
      await expect(subject.events.publish([{ ...event("e1"), headers }])).rejects.toEqual(invalid(/header/));
      const large = { ...event("e1"), data: new Uint8Array(2 * 1024 * 1024) };
      await expect(subject.events.publish([large])).rejects.toEqual(invalid(/larger than/));
    });

    test("carries ids, data and headers unchanged, and trace context where other tools look for it", async () => {
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
      const value = fc.oneof(
        fc.string({ unit: "grapheme", maxLength: 20 }).filter((text) => !/[\r\n\0]/.test(text)),
        fc.constantFrom(" ", "%", "%41", " a, b=c ", "ü", ""),
      );
      const got = createCollector();
      await subject.events.consume({ ...all, handle: got.handle });
      let count = 0;
      await fc.assert(
        fc.asyncProperty(
          value,
          value,
          fc.uint8Array({ maxLength: 50 }),
          async (subjectHeader, other, data) => {
            count += 1;
            const headers = { traceparent, "ce-subject": subjectHeader, "Ce-Other_1": other };
            const sent = { id: `!~/#%${count}`, subject: "a.created", data, headers };
            await subject.events.publish([sent]);
            await got.untilCount(count);
            expect(got.batches.at(-1)).toEqual([{ ...sent, attempt: 1 }]);
          },
        ),
        { numRuns: 50 },
      );
      const stored = await withJetStream(servers, (jsm) =>
        jsm.streams.getMessage(subject.stream, { last_by_subj: "a.created" }),
      );
      expect(stored?.header.get("traceparent")).toBe(traceparent);
    });

    test("what a full stream refuses is refused whole, and keeps its order when it is sent again", async () => {
      const sized = (id: string, bytes: number) => ({ ...event(id), data: new Uint8Array(bytes) });
      const batch = [sized("e1", 10), sized("e2", 20_000), sized("e3", 10)];
      const got = createCollector();
      await subject.events.consume({ ...all, handle: got.handle });
      const full = await subject.openAnother({ maxBytes: 10_000, timeoutMs: 3_000 });
      await expect(full.publish(batch)).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("maximum bytes exceeded"),
      });
      const roomy = await subject.openAnother();
      await roomy.publish(batch);
      await got.untilCount(3);
      expect(got.ids()).toEqual(["e1", "e2", "e3"]);
    });

    test("replays dead letters to their durable alone, all or by id, as they were", async () => {
      let broken = true;
      const got = createCollector((batch) => broken && batch.some(({ id }) => id.startsWith("bad")));
      const other = createCollector();
      await subject.events.consume({ ...all, batch: 1, maxAttempts: 1, handle: got.handle });
      await subject.events.consume({ ...all, durable: "other", handle: other.handle });
      await publish("bad1", "bad2", "bad3", "last");
      await got.until(() => got.ids().includes("last"));
      expect((await subject.events.backlog()).get("all")?.deadLetters).toBe(3);
      broken = false;
      got.batches.length = 0;
      expect(await subject.events.replayDeadLetters("all", ["bad2", "unknown"])).toBe(1);
      await got.untilCount(1);
      expect(got.batches).toEqual([[{ ...event("bad2"), attempt: 1 }]]);
      const left = (await subject.events.deadLetters("all", 10)).map((letter) => letter.event);
      expect(left).toEqual([event("bad1"), event("bad3")]);
      expect(await subject.events.replayDeadLetters("all")).toBe(2);
      await got.untilCount(3);
      expect(got.ids()).toEqual(["bad2", "bad1", "bad3"]);
      expect(await subject.events.deadLetters("all", 10)).toEqual([]);
      expect((await subject.events.backlog()).get("all")?.deadLetters).toBe(0);
      expect(await subject.events.replayDeadLetters("all")).toBe(0);
      await publish("end");
      await other.until(() => other.ids().includes("end"));
      expect(other.ids()).toEqual(["bad1", "bad2", "bad3", "last", "end"]);
    });

    test("lag counts what a durable has not settled", async () => {
      const lag = async () => (await subject.events.backlog()).get("all")?.lag;
      const consumer = await subject.events.consume({ ...all, handle: async () => undefined });
      await consumer.close();
      expect(await lag()).toBe(0);
      await publish(...numbered(7));
      expect(await lag()).toBe(7);
      const release = Promise.withResolvers<void>();
      const got = createCollector();
      const handle = async (batch: Parameters<typeof got.handle>[0]) => {
        await got.handle(batch);
        await release.promise;
      };
      const holding = await subject.events.consume({ ...all, batch: 3, handle });
      await got.untilCount(3);
      expect(await lag()).toBe(7);
      const closing = holding.close();
      release.resolve();
      await closing;
      expect(await lag()).toBe(4);
      expect(await subject.events.backlog()).toEqual(new Map([["all", { lag: 4, deadLetters: 0 }]]));
    });

    test("of two processes one works for a durable, in order; closing passes it on at once", async () => {
      const another = await subject.openAnother();
      const got = createCollector();
      let busy = 0;
      let overlaps = 0;
      const handle = async (batch: Parameters<typeof got.handle>[0]) => {
        busy += 1;
        if (busy > 1) overlaps += 1;
        await got.handle(batch);
        await new Promise((resolve) => setTimeout(resolve, 2));
        busy -= 1;
      };
      const working = () =>
        withJetStream(servers, async (jsm) => {
          // Its types do not have what the server says of each group.
          const { priority_groups: groups } = (await jsm.consumers.info(subject.stream, "all")) as {
            priority_groups?: ReadonlyArray<{ readonly pinned_client_id?: string }>;
          };
          return groups?.[0]?.pinned_client_id;
        });
      const ids = numbered(600);
      const first = await subject.events.consume({ ...all, batch: 5, handle });
      await publish(...ids.slice(0, 50));
      await got.untilCount(1);
      await another.consume({ ...all, batch: 5, handle });
      for (let i = 50; i < 300; i += 50) await publish(...ids.slice(i, i + 50));
      await got.untilCount(300);
      const publishing = publish(...ids.slice(300));
      const before = await working();
      expect(before).toBeTypeOf("string");
      await first.close();
      // Not when the server finds it silent, seconds later.
      expect(await working()).not.toBe(before);
      await publishing;
      await got.untilCount(600);
      expect([got.ids(), overlaps]).toEqual([ids, 0]);
    });

    test("an event that comes again after its last attempt becomes a dead letter, unseen", async () => {
      // As after a crash in the last attempt: it has been delivered more often than the durable allows.
      const failing = createCollector(() => true);
      const consumer = await subject.events.consume({ ...all, handle: failing.handle });
      await publish("e1");
      await failing.untilCount(1);
      await consumer.close();
      const got = createCollector();
      await subject.events.consume({ ...all, maxAttempts: 1, handle: got.handle });
      await expect
        .poll(() => subject.events.deadLetters("all", 10))
        .toEqual([{ event: event("e1"), error: "1 deliveries were not acknowledged" }]);
      await publish("e2");
      await got.untilCount(1);
      expect(got.ids()).toEqual(["e2"]);
    });

    test("subjects of the suite are declared without overlap", async () => {
      expect((await config()).subjects.sort()).toEqual(
        [...subjects, `$WA.REPLAY.${subject.stream}.*`].sort(),
      );
    });
  });
});
