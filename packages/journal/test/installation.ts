import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClosers, silentLogger } from "@wellapi/runtime";
import { type CollectionDeclaration, openSqliteStore } from "@wellapi/store";
import { openLocalKms } from "@wellapi/vault";
import { onTestFinished } from "vitest";
import {
  createFollower,
  createJournal,
  type Entry,
  type Fact,
  journalCollections,
  openFileJournal,
} from "../src/index.ts";

export const day = 86_400_000;

const facts: CollectionDeclaration = { name: "facts", key: ["partition", "subject"], indexes: [] };

export function fact(subject: string, time = 1): Fact {
  return { kind: "consent_revoked", partition: "local/pat_1", subject, time };
}

/** A service's data and a journal, each in a folder of its own, on real stores. */
export async function createInstallation() {
  const root = await mkdtemp(join(tmpdir(), "wellapi-journal-"));
  const clock = { time: 1, now: () => clock.time, monotonic: () => performance.now() };
  const kms = await openLocalKms({ path: join(root, "master.key") });
  let closers = createClosers();
  onTestFinished(async () => {
    await closers.closeAll();
    await kms.close();
    await rm(root, { recursive: true });
  });

  return {
    root,
    clock,
    kms,
    data: join(root, "data.db"),
    journalFolder: join(root, "journal"),
    /** Opens both, and starts the service's side. */
    async open(options: { accepted?: string; journalFolder?: string; replay?: (entry: Entry) => void } = {}) {
      await closers.closeAll();
      closers = createClosers();
      const files = await openFileJournal({
        thread: "callers",
        folder: options.journalFolder ?? join(root, "journal"),
        clock,
      });
      closers.push("journal", files.close);
      const store = await openSqliteStore({
        thread: "callers",
        path: join(root, "data.db"),
        collections: [facts, ...journalCollections],
      });
      closers.push("store", () => store.close());
      const journal = await createJournal({ repository: files, kms });
      const replayed: string[] = [];
      const follower = createFollower({
        journal,
        store,
        log: silentLogger,
        everyMs: 10,
        accepted: options.accepted,
      });
      closers.push("follower", () => follower.close());
      await follower.start(async (entry) => {
        options.replay?.(entry);
        const { partition, subject } = entry;
        const change = { kind: "insert", collection: "facts", document: { partition, subject } } as const;
        if ((await store.commit({ partition, changes: [change] })).committed) replayed.push(subject);
      });
      return {
        files,
        journal,
        store,
        follower,
        /** What the data lacked. */
        replayed,
        /** As a service does it: the data, then the journal. */
        async make(made: Fact): Promise<void> {
          const { partition, subject } = made;
          const insert = { kind: "insert", collection: "facts", document: { partition, subject } } as const;
          await store.commit({ partition, changes: [insert, follower.owed(made)] });
          await follower.tell(made);
        },
        async settled(position: number): Promise<void> {
          for (;;) {
            const mark = await store.get("journal_mark", ["journal"]);
            if (Number(mark?.document.position) >= position) return;
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        },
      };
    },
    async close() {
      await closers.closeAll();
    },
    copy: (from: string, to: string) => cp(join(root, from), join(root, to), { recursive: true }),
    remove: (path: string) => rm(join(root, path), { recursive: true, force: true }),
  };
}
