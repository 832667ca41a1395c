import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore, type Store } from "@wellapi/store";
import { type ElectedRelay, type Events, openElectedRelay, relayCollections } from "../src/index.ts";
import { event } from "./contract.ts";

/** A service that commits events and relays them, as ingestion does, while the broker has a bad day. */
export interface Committing {
  readonly store: Store;
  /** What was committed so far, in order. */
  readonly committed: readonly string[];
  /** Stops committing; the relay goes on. Resolves to all that was committed. */
  stop(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const INTERVAL_MS = 2;
const PATIENTS = 5;

export async function startCommitting(events: Pick<Events, "publish">): Promise<Committing> {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-outage-"));
  const store = await openSqliteStore({ path: join(folder, "store.db"), collections: relayCollections });
  const relay: ElectedRelay = openElectedRelay({
    store,
    events,
    holder: "a",
    intervalMs: 100,
    onError: () => undefined,
  });
  const committed: string[] = [];
  let stopping = false;
  const run = async () => {
    while (!stopping) {
      const id = `e${committed.length}`;
      const partition = `local/p${committed.length % PATIENTS}`;
      await store.commit({ partition, changes: [], events: [event(id)] });
      committed.push(id);
      relay.notify();
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    }
    return committed;
  };
  const running = run();
  const stop = () => {
    stopping = true;
    return running;
  };
  return {
    store,
    committed,
    stop,
    async close() {
      await stop();
      await relay.close();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}
