import type { Logger } from "@wellapi/runtime";
import { describe, expect, it } from "vitest";
import { consentCollections } from "../src/collections.ts";
import { Recalls, sessionMarginMs } from "../src/recall.ts";
import { type OwedRecall, SessionRepository } from "../src/session-repository.ts";
import { sessionTtlMs } from "../src/session-streams.ts";
import { createNodeStore, SharedDocuments } from "./model/memory-store.ts";
import { Node, World } from "./model/world.ts";
import { scopes } from "./sealing.ts";

const partition = "local/pat_1";
const scope = { onlyWidens: false, grantees: ["org_clinic"] };
/** A node's clock drifts by 2 % at most, and its store answers within a few milliseconds. */
const leaseMs = sessionTtlMs + sessionMarginMs;

/** One replica with sessions, in a time that the test moves. `here`: it holds their streams. */
function openReplica({ here = false } = {}) {
  const world = new World(7);
  const node = new Node(world);
  const shared = new SharedDocuments(consentCollections);
  let gets = 0;
  let commits = 0;
  const store = createNodeStore(world, node, shared, () => false);
  const counted: typeof store = {
    ...store,
    get(...asked) {
      gets += 1;
      return store.get(...asked);
    },
    commit(commit) {
      commits += 1;
      return store.commit(commit);
    },
  };
  const sessions = new SessionRepository(counted, scopes, node.timers);
  const pushed: Array<OwedRecall & { readonly session: string }> = [];
  const watchers = new Map<string, Set<() => void>>();
  const said: Array<{ readonly level: string; readonly err: unknown }> = [];
  let ids = 0;
  const recalls = new Recalls({
    sessions,
    streams: {
      push(session, recall) {
        pushed.push({ session, ...recall });
        return here;
      },
      onAcknowledged(session, watcher) {
        const all = watchers.get(session) ?? new Set();
        watchers.set(session, all.add(watcher));
        return () => all.delete(watcher);
      },
    },
    clock: node.clock,
    timers: node.timers,
    ids: { next: (prefix) => `${prefix}_${ids++}` },
    log: { warn: ({ err }: { err: unknown }) => said.push({ level: "warn", err }) } as unknown as Logger,
  });
  const until = (time: number) => world.runUntil(time, () => {});

  return {
    world,
    shared,
    sessions,
    recalls,
    pushed,
    watchers,
    said,
    until,
    gets: () => gets,
    commits: () => commits,
    /** Runs a step of the setting to its end. */
    async settled<T>(step: Promise<T>): Promise<T> {
      await until(world.now + 100);
      return step;
    },
    /** Follows a call: what came of it, and when. */
    follow(call: Promise<unknown>) {
      const outcome: { at?: number; error?: unknown } = {};
      call.then(
        () => {
          outcome.at = world.now;
        },
        (error: unknown) => {
          outcome.at = world.now;
          outcome.error = error;
        },
      );
      return outcome;
    },
    /** As the replica that holds the session's stream does it. */
    async acknowledge(session: string, recall: string) {
      await sessions.acknowledge(session, recall);
      for (const watcher of [...(watchers.get(session) ?? [])]) watcher();
    },
  };
}

describe("a recall", () => {
  it("where nobody enforces is complete at once", async () => {
    const { recalls, settled, pushed } = openReplica();
    await settled(recalls.recall(partition, scope));
    expect(pushed).toEqual([]);
  });

  it("tells each session whose consents changed, each under an id of its own", async () => {
    const { sessions, recalls, pushed, until, world, settled } = openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    await settled(sessions.open("ses_2", "records-2", 0));
    void recalls.recall(partition, scope).catch(() => {});
    void recalls.recall(partition, scope).catch(() => {});
    await until(world.now + 50);
    const told = { recall: expect.any(String), partition, ...scope };
    expect(pushed.toSorted((a, b) => a.session.localeCompare(b.session))).toEqual([
      { session: "ses_1", ...told },
      { session: "ses_1", ...told },
      { session: "ses_2", ...told },
      { session: "ses_2", ...told },
    ]);
    expect(new Set(pushed.map(({ recall }) => recall)).size).toBe(4);
  });

  it("is complete as soon as every session has acknowledged it, and not before", async () => {
    const { world, sessions, recalls, pushed, until, settled, follow, acknowledge, watchers } = openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    await settled(sessions.open("ses_2", "records-2", 0));
    const call = follow(recalls.recall(partition, scope));
    await until(world.now + 600); // by now it looks ten times a second only
    const recallOf = (id: string) => pushed.find(({ session }) => session === id)!.recall;
    await settled(acknowledge("ses_1", recallOf("ses_1")));
    await until(world.now + 300);
    expect(call.at).toBeUndefined();
    const acknowledged = acknowledge("ses_2", recallOf("ses_2")).then(() => world.now);
    await until(world.now + 100);
    expect(call.at! - (await acknowledged)).toBeLessThan(15);
    expect(call.error).toBeUndefined();
    expect([...watchers.values()].map(({ size }) => size)).toEqual([0, 0]);
    expect(await settled(sessions.list())).toEqual(["ses_1", "ses_2"]);
  });

  it("hears within a tenth of a second of an acknowledgement that came in at another replica", async () => {
    const { world, sessions, recalls, pushed, until, settled, follow, gets } = openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    const call = follow(recalls.recall(partition, scope));
    await until(world.now + 1_000);
    // At first often, then ten times a second, whoever acknowledges first: not more, for all of it is the store's work.
    expect(gets()).toBeGreaterThan(10);
    expect(gets()).toBeLessThan(20);
    const before = world.now;
    await settled(sessions.acknowledge("ses_1", pushed[0]!.recall));
    await until(world.now + 200);
    expect(call.at! - before).toBeLessThan(130);
  });

  it("asks the store hardly ever where the acknowledgement can only come in here", async () => {
    const { world, sessions, recalls, pushed, until, settled, follow, acknowledge, gets } = openReplica({
      here: true,
    });
    await settled(sessions.open("ses_1", "records-1", 0));
    const before = gets();
    const call = follow(recalls.recall(partition, scope));
    await until(world.now + 1_400);
    expect(gets() - before).toBeLessThan(6);
    const acknowledged = acknowledge("ses_1", pushed[0]!.recall).then(() => world.now);
    await until(world.now + 50);
    expect(call.at! - (await acknowledged)).toBeLessThan(15);
  });

  it("is made together with the others that wait for the session: eight at once cost the store no more than two", async () => {
    const { world, sessions, recalls, pushed, until, settled, follow, acknowledge, gets, commits } =
      openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    const [getsBefore, commitsBefore] = [gets(), commits()];
    const calls = Array.from({ length: 8 }, () => follow(recalls.recall(partition, scope)));
    await until(world.now + 100);
    expect(commits() - commitsBefore).toBeLessThanOrEqual(2);
    // The list is read by each, as each of their changes was committed by itself.
    expect(gets() - getsBefore).toBeLessThan(8 + 15);
    expect(new Set(pushed.map(({ recall }) => recall)).size).toBe(8);
    const [last, ...others] = pushed.map(({ recall }) => recall).toReversed();
    for (const recall of others) await settled(acknowledge("ses_1", recall));
    expect(calls.filter(({ at }) => at === undefined)).toHaveLength(1);
    await settled(acknowledge("ses_1", last!));
    expect(calls.every(({ at, error }) => at !== undefined && error === undefined)).toBe(true);
  });

  it("that comes while another waits for a silent session is told to it, and waits no longer than it does", async () => {
    const { world, sessions, recalls, pushed, until, settled, follow } = openReplica({ here: true });
    await settled(sessions.open("ses_1", "records-1", 0));
    const first = follow(recalls.recall(partition, scope));
    await until(world.now + 1_000);
    const second = follow(recalls.recall("local/pat_2", scope));
    await until(world.now + 20);
    expect(pushed.map(({ partition: whose }) => whose)).toEqual([partition, "local/pat_2"]);
    await until(world.now + 2_000);
    expect(second.at! - first.at!).toBeLessThan(120);
    expect(await settled(sessions.list())).toEqual([]);
  });

  it("waits for a silent session until its lease has run out for certain, and then forgets the session", async () => {
    const { world, sessions, recalls, until, settled, follow, said } = openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    const began = world.now;
    const call = follow(recalls.recall(partition, scope));
    await until(began + 5_000);
    expect(call.at! - began).toBeGreaterThan(leaseMs * 0.98);
    expect(call.at! - began).toBeLessThan(leaseMs * 1.02 + 40);
    expect(call.error).toBeUndefined();
    expect(await settled(sessions.list())).toEqual([]);
    expect(said).toEqual([]);
  });

  it("does not wait for a session that another recall found silent", async () => {
    const { world, sessions, recalls, until, settled, follow } = openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    const first = follow(recalls.recall(partition, scope));
    await until(world.now + 1_000);
    const second = follow(recalls.recall("local/pat_2", scope));
    await until(world.now + 2_000);
    expect(second.at! - first.at!).toBeLessThan(120);
  });

  it("keeps a session that acknowledged late and is renewed since", async () => {
    const { world, sessions, recalls, pushed, until, settled, follow } = openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    const began = world.now;
    const call = follow(recalls.recall(partition, scope));
    await until(began + leaseMs * 0.98 - 110);
    await settled(sessions.acknowledge("ses_1", pushed[0]!.recall));
    await until(world.now + 500);
    expect(call.at).toBeDefined();
    expect(await settled(sessions.list())).toEqual(["ses_1"]);
  });

  it("goes on where the store fails for a while, further and further apart, and says so each time", async () => {
    const { world, shared, sessions, recalls, pushed, until, settled, follow, acknowledge, said } =
      openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    shared.failing = true;
    const call = follow(recalls.recall(partition, scope));
    await until(world.now + 4_000);
    expect(call.at).toBeUndefined();
    // After 0, 50, 150, 350, 750, 1,550 and 2,550 ms and 3,550 ms.
    expect(said).toEqual(
      Array(8).fill({ level: "warn", err: expect.objectContaining({ code: "unavailable" }) }),
    );
    shared.failing = false;
    await until(world.now + 1_100);
    await settled(acknowledge("ses_1", pushed[0]!.recall));
    expect(call.at).toBeDefined();
    expect(call.error).toBeUndefined();
  });

  it("is given up as unavailable after ten seconds without the store, with what the store said", async () => {
    const { world, shared, sessions, recalls, until, settled, follow } = openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    shared.failing = true;
    const began = world.now;
    const call = follow(recalls.recall(partition, scope));
    await until(began + 20_000);
    expect(call.error).toMatchObject({
      name: "ConsentError",
      code: "unavailable",
      cause: expect.objectContaining({ name: "StoreError", code: "unavailable" }),
    });
    expect(call.at! - began).toBeGreaterThan(8_500);
    expect(call.at! - began).toBeLessThan(10_300);
  });

  it("is given up when the service closes; the session goes on owing it", async () => {
    const { world, sessions, recalls, pushed, until, settled, follow } = openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    const call = follow(recalls.recall(partition, scope));
    await until(world.now + 300);
    recalls.close();
    const closed = world.now;
    await until(world.now + 1_000);
    expect(call.error).toMatchObject({ code: "unavailable" });
    expect(call.at! - closed).toBeLessThan(150);
    const stored = await settled(sessions.get("ses_1"));
    expect(stored!.document.owed.map(({ recall }) => recall)).toEqual([pushed[0]!.recall]);
  });
});

describe("a session whose stream has ended", () => {
  it("is deleted once it has run out, without a word to anybody", async () => {
    const { world, sessions, recalls, pushed, until, settled, follow } = openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    const began = world.now;
    const call = follow(recalls.retire("ses_1"));
    await until(began + leaseMs * 0.97);
    expect(call.at).toBeUndefined();
    expect(await settled(sessions.list())).toEqual(["ses_1"]);
    await until(began + 3_000);
    expect(call.at).toBeDefined();
    expect(await settled(sessions.list())).toEqual([]);
    expect(pushed).toEqual([]);
  });

  it("is not waited for where it is gone already", async () => {
    const { recalls, settled } = openReplica();
    await settled(recalls.retire("ses_gone"));
  });

  it("is looked after once, however often it is found", async () => {
    const { world, sessions, recalls, until, settled, follow, gets } = openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    const before = gets();
    const call = follow(recalls.retire("ses_1"));
    for (let found = 0; found < 10; found += 1) await settled(recalls.retire("ses_1"));
    expect(call.at).toBeUndefined();
    await until(world.now + 3_000);
    expect(call.at).toBeDefined();
    expect(await settled(sessions.list())).toEqual([]);
    expect(gets() - before).toBeLessThan(5);
  });

  it("stays where it turns out to be alive: somebody renewed it meanwhile", async () => {
    const { world, sessions, recalls, until, settled, follow } = openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    const call = follow(recalls.retire("ses_1"));
    await until(world.now + leaseMs * 0.9);
    expect(await settled(sessions.renew("ses_1", 1))).toEqual({ kind: "renewed" });
    await until(world.now + 3_000);
    expect(call.at).toBeDefined();
    expect(call.error).toBeUndefined();
    expect(await settled(sessions.list())).toEqual(["ses_1"]);
  });

  it("stays where the service closes meanwhile: another one finds it", async () => {
    const { world, sessions, recalls, until, settled, follow } = openReplica();
    await settled(sessions.open("ses_1", "records-1", 0));
    const call = follow(recalls.retire("ses_1"));
    await until(world.now + 300);
    recalls.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(call.error).toMatchObject({ code: "unavailable" });
    await until(world.now + 3_000);
    expect(await settled(sessions.list())).toEqual(["ses_1"]);
  });
});
