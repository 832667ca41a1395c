import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore, type Store, StoreError } from "@wellapi/store";
import { type Clock, embeddedEventsCollections, openEmbeddedEvents } from "../src/index.ts";
import type { EventsUnderTest } from "./contract.ts";

export interface EmbeddedUnderTest extends EventsUnderTest {
  readonly store: Store;
  /** While set, commits fail: before they reach the store, or after they were stored. */
  failure: "none" | "before" | "after";
}

/** Embedded events over a SQLite store in a temporary folder of its own. */
export async function openEmbeddedUnderTest(clock?: Clock): Promise<EmbeddedUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-events-"));
  const openStore = () =>
    openSqliteStore({
      thread: "callers",
      path: join(folder, "events.db"),
      collections: embeddedEventsCollections,
    });
  let real = await openStore();
  const commit: Store["commit"] = async (request) => {
    if (subject.failure === "before") throw new StoreError("unavailable", "planted");
    const result = await real.commit(request);
    if (subject.failure === "after") throw new StoreError("unavailable", "planted");
    return result;
  };
  const open = () => openEmbeddedEvents({ store: { ...real, commit }, ...(clock && { clock }) });
  let events = await open();
  const subject: EmbeddedUnderTest = {
    failure: "none",
    get store() {
      return real;
    },
    get events() {
      return events;
    },
    async reopen() {
      await events.close();
      await real.close();
      real = await openStore();
      events = await open();
      return events;
    },
    async dispose() {
      await events.close();
      await real.close();
      await rm(folder, { recursive: true });
    },
  };
  return subject;
}
