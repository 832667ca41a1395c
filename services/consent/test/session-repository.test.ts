import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemTimers } from "@wellapi/enforcer";
import { randomIds, silentLogger, systemClock } from "@wellapi/runtime";
import { type Document, openSqliteStore, type Scan, type Store } from "@wellapi/store";
import { describe, expect, it, onTestFinished } from "vitest";
import { consentCollections } from "../src/collections.ts";
import { createProcessSessions } from "../src/process-sessions.ts";
import { Recalls } from "../src/recall.ts";
import { sessionsPartition } from "../src/session-list.ts";
import { enforcerSessions, SessionRepository, type Sessions } from "../src/session-repository.ts";
import { createMemoryStore } from "./model/memory-store.ts";
import { scopes } from "./sealing.ts";

/**
 * The store as it is while a primary that was voted out does not know it yet: what was committed by the new one is
 * missing in its scans. Reads by key are confirmed by a majority, so they are right.
 */
function createDeposable(store: Store) {
  let missing: Set<unknown> | undefined;
  const seen: Store = {
    ...store,
    async commit(commit) {
      const result = await store.commit(commit);
      if (!result.committed) return result;
      for (const change of commit.changes)
        if (change.kind === "insert") missing?.add((change.document as Record<string, unknown>).session);
      return result;
    },
    async scan<D extends Document>(collection: string, scan: Scan) {
      const page = await store.scan<D>(collection, scan);
      const known = page.documents.filter(({ document }) => {
        return !missing?.has((document as Record<string, unknown>).session);
      });
      return { ...page, documents: known };
    },
  };
  return {
    store: seen,
    depose() {
      missing = new Set();
    },
  };
}

async function openStore(): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-sessions-"));
  const store = await openSqliteStore({
    thread: "callers",
    path: join(folder, "consent.db"),
    collections: consentCollections,
  });
  onTestFinished(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  return store;
}

describe("the list of sessions", () => {
  it("has a session that was opened since an election which the scanned replica has not heard of", async () => {
    const { store, depose } = createDeposable(await openStore());
    const sessions = new SessionRepository(store, scopes);
    await sessions.open("ses_1", "records-1", 0);
    depose();
    await sessions.open("ses_2", "records-2", 0);
    // The fault bites: a scan of the sessions misses the new one.
    const scanned = await store.scan(enforcerSessions.name, { equals: [sessionsPartition], limit: 10 });
    expect(scanned.documents).toHaveLength(1);
    expect(await sessions.list()).toEqual(["ses_1", "ses_2"]);

    const recalled: string[] = [];
    const recalls = new Recalls({
      sessions,
      streams: {
        push(session, { recall }) {
          recalled.push(session);
          void sessions.acknowledge(session, recall);
          return false;
        },
        onAcknowledged: () => () => {},
      },
      clock: systemClock,
      timers: systemTimers,
      ids: randomIds,
      log: silentLogger,
    });
    await recalls.recall("local/pat_1", { onlyWidens: false, grantees: [] });
    expect(recalled.sort()).toEqual(["ses_1", "ses_2"]);
  });

  it("loses none that are opened and deleted at the same time", async () => {
    const sessions = new SessionRepository(await openStore(), scopes);
    const ids = (first: number) => Array.from({ length: 8 }, (_, i) => `ses_${first + i}`);
    await Promise.all(ids(0).map((id) => sessions.open(id, "e", 0)));
    expect([...(await sessions.list())].sort()).toEqual(ids(0));
    const scope = { partition: "local/pat_1", onlyWidens: false, grantees: [] };
    await Promise.all(ids(0).map((id) => sessions.owe(id, { recall: "rcl_1", ...scope })));
    await Promise.all([
      ...ids(0).map((id) => sessions.deleteOwing(id, "rcl_1")),
      ...ids(100).map((id) => sessions.open(id, "e", 0)),
    ]);
    expect([...(await sessions.list())].sort()).toEqual(ids(100));
    for (const id of ids(0)) expect(await sessions.get(id)).toBeUndefined();
  });

  it("is not touched by renewals and acknowledgements", async () => {
    const store = await openStore();
    const touched = new Set<string>();
    const sessions = new SessionRepository(
      {
        ...store,
        commit(commit) {
          for (const change of commit.changes)
            touched.add("document" in change ? change.collection : `${change.collection} (deleted)`);
          return store.commit(commit);
        },
      },
      scopes,
    );
    await sessions.open("ses_1", "e", 0);
    touched.clear();
    await sessions.renew("ses_1", 1);
    await sessions.owe("ses_1", {
      recall: "rcl_1",
      partition: "local/pat_1",
      onlyWidens: true,
      grantees: ["org_1"],
    });
    await sessions.acknowledge("ses_1", "rcl_1");
    expect([...touched]).toEqual([enforcerSessions.name]);
  });
});

const memoryStore = () => createMemoryStore(consentCollections);
const owed = (recall: string) => {
  return { recall, partition: "local/pat_1", onlyWidens: false, grantees: ["org_1"] };
};

const kinds: [string, () => Sessions][] = [
  ["stored", () => new SessionRepository(memoryStore(), scopes)],
  ["in memory", createProcessSessions],
];

describe.each(kinds)("a session, %s", (_kind, openSessions) => {
  it("is opened under an id of its own: one that is given twice is refused, and the list stays", async () => {
    const sessions = openSessions();
    await sessions.open("ses_1", "records-1", 5);
    await expect(sessions.open("ses_1", "records-2", 6)).rejects.toThrow("ses_1 was given twice");
    expect(await sessions.list()).toEqual(["ses_1"]);
    expect((await sessions.get("ses_1"))!.document).toMatchObject({ enforcer: "records-1", expires_hint: 5 });
  });

  it("is renewed while it owes nothing, and says what it owes otherwise", async () => {
    const sessions = openSessions();
    await sessions.open("ses_1", "records-1", 5);
    expect(await sessions.renew("ses_1", 6)).toEqual({ kind: "renewed" });
    expect(await sessions.owe("ses_1", owed("rcl_1"))).toBe(true);
    expect(await sessions.renew("ses_1", 7)).toEqual({ kind: "owes", owed: [owed("rcl_1")] });
    expect((await sessions.get("ses_1"))!.document.expires_hint).toBe(6);
    await sessions.acknowledge("ses_1", "rcl_1");
    expect(await sessions.renew("ses_1", 8)).toEqual({ kind: "renewed" });
    expect((await sessions.get("ses_1"))!.document).toMatchObject({ expires_hint: 8, owed: [] });
  });

  it("that is gone is not renewed, owes nothing, and acknowledges nothing", async () => {
    const sessions = openSessions();
    expect(await sessions.renew("ses_1", 1)).toEqual({ kind: "gone" });
    expect(await sessions.owe("ses_1", owed("rcl_1"))).toBe(false);
    await sessions.acknowledge("ses_1", "rcl_1");
    expect(await sessions.deleteOwing("ses_1", "rcl_1")).toBe(false);
    expect(await sessions.get("ses_1")).toBeUndefined();
    expect(await sessions.list()).toEqual([]);
  });

  it("is deleted only where it owes that very recall", async () => {
    const sessions = openSessions();
    for (const id of ["ses_1", "ses_2"]) await sessions.open(id, "records-1", 5);
    await sessions.owe("ses_1", owed("rcl_1"));
    expect(await sessions.deleteOwing("ses_1", "rcl_2")).toBe(false);
    expect(await sessions.deleteOwing("ses_2", "rcl_1")).toBe(false);
    expect(await sessions.list()).toEqual(["ses_1", "ses_2"]);
    expect(await sessions.deleteOwing("ses_1", "rcl_1")).toBe(true);
    expect(await sessions.list()).toEqual(["ses_2"]);
    expect(await sessions.get("ses_1")).toBeUndefined();
  });

  it("keeps all that is done to it at the same time", async () => {
    const sessions = openSessions();
    await sessions.open("ses_1", "records-1", 0);
    const recalls = Array.from({ length: 6 }, (_, i) => `rcl_${i}`);
    const done = await Promise.all(recalls.map((recall) => sessions.owe("ses_1", owed(recall))));
    expect(done).toEqual(recalls.map(() => true));
    await Promise.all(recalls.slice(1).map((recall) => sessions.acknowledge("ses_1", recall)));
    expect((await sessions.get("ses_1"))!.document.owed).toEqual([owed("rcl_0")]);
  });

  it("seems to have run out when its hint says so", async () => {
    const sessions = openSessions();
    for (let i = 0; i < 3; i += 1) await sessions.open(`ses_${i}`, "records-1", i);
    expect(await sessions.stale(2)).toEqual(["ses_0", "ses_1"]);
    expect(await sessions.stale(0)).toEqual([]);
  });
});

describe("a stored session", () => {
  it("owes each recall once, and until that one is acknowledged", async () => {
    const sessions = new SessionRepository(memoryStore(), scopes);
    await sessions.open("ses_1", "records-1", 5);
    for (const recall of ["rcl_1", "rcl_2", "rcl_1"])
      expect(await sessions.owe("ses_1", owed(recall))).toBe(true);
    const stored = async () => (await sessions.get("ses_1"))!;
    expect((await stored()).document.owed).toEqual([owed("rcl_1"), owed("rcl_2")]);
    const { revision } = await stored();
    await sessions.acknowledge("ses_1", "rcl_other");
    expect((await stored()).revision).toBe(revision);
    await sessions.acknowledge("ses_1", "rcl_1");
    expect((await stored()).document.owed).toEqual([owed("rcl_2")]);
  });

  it("is not deleted where it acknowledges in the same moment, and is renewed after that", async () => {
    const store = memoryStore();
    let between = async () => {};
    const sessions = new SessionRepository(
      {
        ...store,
        async commit(commit) {
          const due = between;
          between = async () => {};
          await due();
          return store.commit(commit);
        },
      },
      scopes,
    );
    const elsewhere = new SessionRepository(store, scopes);
    await sessions.open("ses_1", "records-1", 5);
    await sessions.owe("ses_1", owed("rcl_1"));
    between = async () => {
      await elsewhere.acknowledge("ses_1", "rcl_1");
      expect(await elsewhere.renew("ses_1", 9)).toEqual({ kind: "renewed" });
    };
    expect(await sessions.deleteOwing("ses_1", "rcl_1")).toBe(false);
    expect(await sessions.list()).toEqual(["ses_1"]);
    // Nor is it renewed where it comes to owe something in the same moment.
    between = async () => {
      await elsewhere.owe("ses_1", owed("rcl_2"));
    };
    expect(await sessions.renew("ses_1", 10)).toEqual({ kind: "owes", owed: [owed("rcl_2")] });
  });
});

it("stores no organization that a recall concerns; a scope that does not open concerns everybody", async () => {
  const store = memoryStore();
  const sessions = new SessionRepository(store, scopes);
  await sessions.open("ses_1", "records-1", 5);
  await sessions.owe("ses_1", owed("rcl_1"));
  const stored = (await store.get(enforcerSessions.name, [sessionsPartition, "ses_1"]))!;
  const [one] = stored.document.owed as Array<{ sealed: Uint8Array }>;
  expect(Object.keys(one!).sort()).toEqual(["partition", "recall", "sealed"]);
  expect(Buffer.from(one!.sealed).includes("org_1")).toBe(false);
  const spoiled = { ...one, sealed: one!.sealed.with(20, one!.sealed[20]! ^ 1) };
  const document = { ...stored.document, owed: [spoiled] };
  const replace = { kind: "replace", collection: enforcerSessions.name, document } as const;
  await store.commit({
    partition: sessionsPartition,
    changes: [{ ...replace, ifRevision: stored.revision }],
  });
  const opened = (await sessions.get("ses_1"))!.document.owed;
  expect(opened).toEqual([{ ...owed("rcl_1"), onlyWidens: false, grantees: [] }]);
});

it("finds the sessions that seem to have run out, page by page", async () => {
  const store = await openStore();
  let pages = 0;
  const sessions = new SessionRepository(
    {
      ...store,
      scan(collection, scan) {
        pages += 1;
        return store.scan(collection, { ...scan, limit: 2 });
      },
    },
    scopes,
  );
  for (let i = 0; i < 5; i += 1) await sessions.open(`ses_${i}`, "records-1", i);
  expect(await sessions.stale(4)).toEqual(["ses_0", "ses_1", "ses_2", "ses_3"]);
  expect(await sessions.stale(5)).toHaveLength(5);
  expect(await sessions.stale(0)).toEqual([]);
  expect(pages).toBeGreaterThanOrEqual(9);
});
