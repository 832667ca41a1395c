import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemTimers } from "@wellapi/enforcer";
import { randomIds, silentLogger, systemClock } from "@wellapi/runtime";
import { type Document, openSqliteStore, type Scan, type Store } from "@wellapi/store";
import { describe, expect, it, onTestFinished } from "vitest";
import { consentCollections } from "../src/collections.ts";
import { Recalls } from "../src/recall.ts";
import { enforcerSessions, SessionRepository, sessionsPartition } from "../src/session-repository.ts";

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
  const store = await openSqliteStore({ path: join(folder, "consent.db"), collections: consentCollections });
  onTestFinished(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  return store;
}

describe("the list of sessions", () => {
  it("has a session that was opened since an election which the scanned replica has not heard of", async () => {
    const { store, depose } = createDeposable(await openStore());
    const sessions = new SessionRepository(store);
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
    const sessions = new SessionRepository(await openStore());
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
    const sessions = new SessionRepository({
      ...store,
      commit(commit) {
        for (const change of commit.changes)
          touched.add("document" in change ? change.collection : `${change.collection} (deleted)`);
        return store.commit(commit);
      },
    });
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
