import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OutboxEvent, openSqliteStore, type Store } from "@wellapi/store";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ElectedRelay, openElectedRelay, relayCollections } from "../src/index.ts";
import { event } from "./contract.ts";

const leaseMs = 50;

/** A relay in a process of its own, as it were, that can be stopped at any of its calls. */
interface Process {
  readonly relay: ElectedRelay;
  pause(): void;
  resume(): void;
  /** Where it waits while it is paused. */
  readonly stoppedAt: ReadonlySet<string>;
  /** How often it has looked at the lease. */
  readonly looks: number;
}

describe("elected relay", () => {
  let folder: string;
  let store: Store;
  let now: number;
  let processes: Process[];
  /** What the broker stored, without recognising ids: the worst that a consumer can see. */
  let published: string[];
  let failAfter: number;
  let onPublished: (id: string) => void;
  let onRead: (entries: readonly unknown[]) => void;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "wellapi-relay-"));
    store = await openSqliteStore({
      thread: "callers",
      path: join(folder, "store.db"),
      collections: relayCollections,
    });
    now = 1_000_000;
    processes = [];
    published = [];
    failAfter = Infinity;
    onPublished = () => undefined;
    onRead = () => undefined;
  });
  afterEach(async () => {
    for (const { resume } of processes) resume();
    await Promise.all(processes.map(({ relay }) => relay.close()));
    await store.close();
    await rm(folder, { recursive: true });
  });

  const publishOne = async (id: string) => {
    if (failAfter <= 0) throw new Error("planted");
    failAfter -= 1;
    published.push(id);
    onPublished(id);
    await null;
  };

  const start = (holder: string): Process => {
    let gate: { readonly promise: Promise<void>; resolve(): void } | undefined;
    const stoppedAt = new Set<string>();
    let looked = 0;
    const pass = async (place: string) => {
      if (!gate) return;
      stoppedAt.add(place);
      await gate.promise;
      stoppedAt.delete(place);
    };
    const gated = <A extends unknown[], R>(place: string, call: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        await pass(place);
        const result = await call(...args);
        if (place === "get") looked += 1;
        return result;
      };
    };
    const publish = async (events: readonly OutboxEvent[]) => {
      for (const { id } of events) {
        await pass("publish");
        await publishOne(id);
      }
    };
    const relay = openElectedRelay({
      store: {
        get: gated("get", store.get) as Store["get"],
        commit: gated("commit", store.commit),
        readOutbox: gated("readOutbox", async (limit) => {
          const entries = await store.readOutbox(limit);
          onRead(entries);
          return entries;
        }),
        deleteOutbox: gated("deleteOutbox", store.deleteOutbox),
      },
      events: { publish },
      holder,
      clock: { now: () => now },
      leaseMs,
      intervalMs: 5,
      onError: () => undefined,
    });
    const process = {
      relay,
      stoppedAt,
      get looks() {
        return looked;
      },
      pause: () => {
        gate ??= Promise.withResolvers<void>();
      },
      resume: () => {
        gate?.resolve();
        gate = undefined;
      },
    };
    processes.push(process);
    return process;
  };

  const commit = (partition: string, ...ids: string[]) =>
    store.commit({ partition, changes: [], events: ids.map((id) => event(id)) });
  const drained = () =>
    vi.waitFor(async () => expect(await store.readOutbox(1)).toEqual([]), { timeout: 15_000, interval: 5 });
  const leads = (process: Process, token: number) =>
    vi.waitFor(() => expect(process.relay.token()).toBe(token), { timeout: 15_000, interval: 5 });
  const stops = (process: Process, place: string) =>
    vi.waitFor(() => expect([...process.stoppedAt]).toContain(place), { timeout: 15_000, interval: 1 });
  /** Until it has looked at the lease so many times more. */
  const looks = async (process: Process, count: number) => {
    const until = process.looks + count;
    await vi.waitFor(() => expect(process.looks).toBeGreaterThanOrEqual(until), {
      timeout: 15_000,
      interval: 1,
    });
  };
  /** Lets time pass for a follower that has seen the lease. */
  const takesOver = async (process: Process, token: number) => {
    await looks(process, 2);
    now += leaseMs;
    await leads(process, token);
  };
  const firsts = () => [...new Set(published)];

  test("of two relays one works, and the other takes over at once when it closes", async () => {
    const first = start("a");
    await leads(first, 1);
    const second = start("b");
    await commit("local/p1", "e1", "e2");
    await drained();
    expect(second.relay.token()).toBeUndefined();
    await first.relay.close();
    await leads(second, 2);
    await commit("local/p1", "e3");
    await drained();
    expect(published).toEqual(["e1", "e2", "e3"]);
  });

  test("a leader that says nothing keeps the lease for its time, and no longer", async () => {
    const first = start("a");
    await leads(first, 1);
    first.pause();
    const second = start("b");
    await looks(second, 2);
    now += leaseMs - 1;
    await looks(second, 3);
    expect(second.relay.token()).toBeUndefined();
    now += 1;
    await leads(second, 2);
    await commit("local/p1", "e1");
    await drained();
    expect(published).toEqual(["e1"]);
  });

  test("paused in the middle of publishing, it repeats what its successor published, and then stands back", async () => {
    const first = start("a");
    await leads(first, 1);
    onPublished = (id) => {
      if (id === "e1") first.pause();
    };
    await commit("local/p1", "e1", "e2", "e3");
    await stops(first, "publish");
    onPublished = () => undefined;
    const second = start("b");
    await takesOver(second, 2);
    await commit("local/p1", "e4");
    await drained();
    first.resume();
    await looks(first, 2);
    await commit("local/p1", "e5");
    await drained();
    expect(published).toEqual(["e1", "e1", "e2", "e3", "e4", "e2", "e3", "e5"]);
    expect([first.relay.token(), second.relay.token()]).toEqual([undefined, 2]);
  });

  test("paused before its last look at the lease, it publishes nothing when it goes on", async () => {
    const first = start("a");
    await leads(first, 1);
    onRead = (entries) => {
      if (entries.length > 0) first.pause();
    };
    await commit("local/p1", "e1", "e2");
    await stops(first, "get");
    onRead = () => undefined;
    const second = start("b");
    await takesOver(second, 2);
    await drained();
    first.resume();
    await looks(first, 3);
    expect(published).toEqual(["e1", "e2"]);
  });

  test("a leader that ends between publishing and deleting loses nothing", async () => {
    const first = start("a");
    await leads(first, 1);
    onPublished = (id) => {
      if (id === "e3") first.pause();
    };
    await commit("local/p1", "e1", "e2", "e3");
    await stops(first, "deleteOutbox");
    const second = start("b");
    await takesOver(second, 2);
    await drained();
    expect(published).toEqual(["e1", "e2", "e3", "e1", "e2", "e3"]);
  });

  test("whatever stops, fails or jumps: repeats, but no loss and no other order within a patient", async () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant("commit"), patient: fc.integer({ min: 0, max: 2 }) }),
      fc.record({ kind: fc.constant("pause"), process: fc.integer({ min: 0, max: 2 }) }),
      fc.record({ kind: fc.constant("resume"), process: fc.integer({ min: 0, max: 2 }) }),
      fc.record({ kind: fc.constant("advance"), ms: fc.integer({ min: 1, max: 3 * leaseMs }) }),
      fc.record({ kind: fc.constant("fail"), after: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ kind: fc.constant("wait") }),
    );
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 30, maxLength: 80 }), async (actions) => {
        published.length = 0;
        const committed = new Map<string, string[]>();
        const running = ["a", "b", "c"].map((name) => start(`${name}${count}`));
        for (const step of actions) {
          if ("patient" in step) {
            count += 1;
            const [patient, id] = [`local/p${step.patient}`, `p${step.patient}-${count}`];
            await commit(patient, id);
            committed.set(patient, [...(committed.get(patient) ?? []), id]);
          } else if ("process" in step) {
            const process = running[step.process];
            if (step.kind === "pause") process?.pause();
            else process?.resume();
          } else if ("ms" in step) now += step.ms;
          else if ("after" in step) failAfter = step.after;
          else await new Promise((resolve) => setTimeout(resolve, 3));
        }
        failAfter = Infinity;
        for (const { resume } of running) resume();
        await vi.waitFor(
          async () => {
            now += leaseMs;
            expect(await store.readOutbox(1)).toEqual([]);
          },
          { timeout: 15_000, interval: 5 },
        );
        await Promise.all(running.map(({ relay }) => relay.close()));
        for (const [patient, ids] of committed) {
          const prefix = `${patient.slice("local/".length)}-`;
          expect(firsts().filter((id) => id.startsWith(prefix))).toEqual(ids);
        }
      }),
      { numRuns: 15 },
    );
  });
});
