import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Consumer,
  type DeliveredEvent,
  type Events,
  handledEventsCollections,
  type IdempotentConsumption,
  openIdempotentConsumer,
} from "../src/index.ts";
import { type EventsUnderTest, event } from "./contract.ts";
import { applied, failing, openTallyStore, partitionOf, tally } from "./tallying.ts";

/** What an idempotent consumer must hold over every engine. */
export function describeIdempotentContract(name: string, open: () => Promise<EventsUnderTest>): void {
  describe(`idempotent consumer: ${name}`, () => {
    let subject: EventsUnderTest;
    let events: Events;
    let folder: string;
    let store: ReturnType<typeof failing>;
    let consumers: Consumer[];
    beforeEach(async () => {
      consumers = [];
      subject = await open();
      events = subject.events;
      folder = await mkdtemp(join(tmpdir(), "wellapi-idempotent-"));
      store = failing(await openTallyStore(folder));
    });
    afterEach(async () => {
      for (const consumer of consumers) await consumer.close();
      await subject.dispose();
      await store.close();
      await rm(folder, { recursive: true });
    });

    const publish = (...ids: string[]) => events.publish(ids.map((id) => event(id)));
    const consume = async (more: Partial<IdempotentConsumption> = {}) => {
      const consumer = await openIdempotentConsumer({
        events,
        store,
        durable: "all",
        subjects: ["a.>"],
        backoffMs: 5,
        partitionOf,
        effectOf: (each) => tally(store, each),
        onError: (error) => expect.unreachable(String(error)),
        ...more,
      });
      consumers.push(consumer);
    };
    const untilApplied = (partition: string, ids: readonly string[]) =>
      vi.waitFor(async () => expect(await applied(store, partition)).toEqual(ids), {
        timeout: 15_000,
        interval: 20,
      });

    test("applies each event once, in the order of its partition", async () => {
      await consume();
      const ids = Array.from({ length: 60 }, (_, i) => `p${i % 3}:e${i}`);
      await publish(...ids);
      for (const partition of ["p0", "p1", "p2"]) {
        await untilApplied(
          partition,
          ids.filter((id) => id.startsWith(`${partition}:`)),
        );
      }
    });

    test("a batch with a bad event is repeated; what was handled of it is not applied again", async () => {
      const attempts: string[] = [];
      await consume({
        maxAttempts: 3,
        async effectOf(each) {
          attempts.push(`${each.id} ${each.attempt}`);
          if (each.id === "p1:bad") throw new Error("refused");
          return tally(store, each);
        },
      });
      await publish("p0:e1", "p1:e2", "p1:bad", "p1:e3", "p2:e4");
      const letter = { event: event("p1:bad"), error: "refused" };
      await vi.waitFor(async () => expect(await events.deadLetters("all", 10)).toEqual([letter]), 15_000);
      await untilApplied("p1", ["p1:e2", "p1:e3"]);
      expect([await applied(store, "p0"), await applied(store, "p2")]).toEqual([["p0:e1"], ["p2:e4"]]);
      // Not even decided again, but for the bad one, and the one that it held up in its partition.
      expect(attempts.filter((each) => each.startsWith("p1:bad"))).toEqual([
        "p1:bad 1",
        "p1:bad 2",
        "p1:bad 3",
      ]);
      const others = attempts.filter((each) => !each.startsWith("p1:bad"));
      expect(others.sort()).toEqual(["p0:e1 1", "p1:e2 1", "p1:e3 2", "p2:e4 1"]);
    });

    test("an event whose partition cannot be told costs no other event anything", async () => {
      await consume({
        maxAttempts: 2,
        partitionOf(each) {
          if (each.id.endsWith("bad")) throw new Error("no partition");
          return partitionOf(each);
        },
      });
      await publish("p0:bad", "p0:e1");
      const letter = { event: event("p0:bad"), error: "no partition" };
      await vi.waitFor(async () => expect(await events.deadLetters("all", 10)).toEqual([letter]), 15_000);
      await untilApplied("p0", ["p0:e1"]);
    });

    for (const [mode, decisions] of [
      ["before", ["p0:e1", "p0:e1", "p0:e2"]],
      ["after", ["p0:e1", "p0:e2"]],
    ] as const) {
      test(`a commit that fails ${mode} it was stored is repeated, and applied once`, async () => {
        const delivered: string[] = [];
        const decided: string[] = [];
        await consume({
          partitionOf(each) {
            delivered.push(each.id);
            return partitionOf(each);
          },
          async effectOf(each) {
            decided.push(each.id);
            const effect = await tally(store, each);
            if (decided.length === 1) store.mode = mode;
            return effect;
          },
        });
        await publish("p0:e1");
        await vi.waitFor(() => expect(delivered).toEqual(["p0:e1", "p0:e1"]), 15_000);
        await publish("p0:e2");
        await untilApplied("p0", ["p0:e1", "p0:e2"]);
        expect(decided).toEqual(decisions);
      });
    }

    test("an event that another process handles meanwhile is not applied", async () => {
      const seen = Promise.withResolvers<void>();
      await consume({
        async effectOf(each) {
          const effect = await tally(store, each);
          if (each.id === "p0:e1") {
            const [handled] = handledEventsCollections;
            const document = { partition: "p0", consumer: "all", event: each.id, handled_at: 0 };
            await store.commit({
              partition: "p0",
              changes: [{ kind: "insert", collection: handled!.name, document }],
            });
          } else seen.resolve();
          return effect;
        },
      });
      await publish("p0:e1", "p0:e2");
      await seen.promise;
      await untilApplied("p0", ["p0:e2"]);
    });

    test("an effect that meets a change of another is decided anew; one that always meets one ends as a dead letter", async () => {
      let decided = 0;
      await consume({
        maxAttempts: 2,
        async effectOf(each) {
          const effect = await tally(store, each);
          decided += 1;
          const other = { ...each, id: `${each.id}-other-${decided}` };
          const meets = each.id === "p1:bad" || decided === 1;
          if (meets) await store.commit({ partition: partitionOf(each), ...(await tally(store, other)) });
          return effect;
        },
      });
      await publish("p0:e1");
      await untilApplied("p0", ["p0:e1-other-1", "p0:e1"]);
      await publish("p1:bad");
      await vi.waitFor(async () => {
        const [letter] = await events.deadLetters("all", 10);
        expect(letter).toMatchObject({
          event: { id: "p1:bad" },
          error: expect.stringContaining("in tallies"),
        });
      }, 15_000);
      expect(await applied(store, "p1")).not.toContain("p1:bad");
    });

    test("the effect's own events leave with it, and an effect without changes leaves nothing", async () => {
      const own = (each: DeliveredEvent) => ({ ...event(`${each.id}.done`, "b.done") });
      await consume({
        async effectOf(each) {
          return each.id === "p0:none" ? { changes: [] } : { changes: [], events: [own(each)] };
        },
      });
      await publish("p0:none", "p0:e1");
      const outbox = async () => (await store.readOutbox(10)).map((entry) => entry.event.id);
      await vi.waitFor(async () => expect(await outbox()).toEqual(["p0:e1.done"]), 15_000);
      const { documents } = await store.scan("handled_events", { equals: [], limit: 10 });
      expect(documents).toMatchObject([{ document: { event: "p0:e1" } }]);
    });

    test("forgets what was handled after its time, and not before", async () => {
      let now = Date.UTC(2026, 0, 1);
      const remembered = async () => {
        const { documents } = await store.scan("handled_events", { equals: [], limit: 10 });
        return documents.map(({ document }) => document.event);
      };
      await consume({ clock: { now: () => now }, keepMs: 1_000, pruneEveryMs: 10 });
      await publish("p0:e1", "p1:e1");
      await untilApplied("p1", ["p1:e1"]);
      await untilApplied("p0", ["p0:e1"]);
      now += 1_000;
      await publish("p0:e2");
      await untilApplied("p0", ["p0:e1", "p0:e2"]);
      expect(await remembered()).toEqual(["p0:e1", "p0:e2", "p1:e1"]);
      now += 1;
      await vi.waitFor(async () => expect(await remembered()).toEqual(["p0:e2"]), 15_000);
    });

    test("asks for two attempts at least", async () => {
      const invalid = { name: "EventsError", code: "invalid" };
      await expect(consume({ maxAttempts: 1 })).rejects.toMatchObject(invalid);
    });
  });
}
