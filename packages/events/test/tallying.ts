import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openSqliteStore, type Store, StoreError } from "@wellapi/store";
import { type DeliveredEvent, type Effect, handledEventsCollections } from "../src/index.ts";

type Tally = { readonly partition: string; readonly count: number };

/** A consumer's store: what was applied, one document each time, and a count that is replaced under its revision. */
export function openTallyStore(folder: string): Promise<Store> {
  return mkdir(folder, { recursive: true }).then(() =>
    openSqliteStore({
      path: join(folder, "consumer.db"),
      collections: [
        { name: "tallies", key: ["partition"], indexes: [] },
        { name: "applied", key: ["partition", "position"], indexes: [] },
        ...handledEventsCollections,
      ],
    }),
  );
}

/** `a.created` of `p1:e7` lies in partition p1. */
export const partitionOf = ({ id }: DeliveredEvent): string => id.split(":")[0]!;

/** Counts the event, and says at which position it was applied: an event that is applied twice leaves two documents. */
export async function tally(store: Pick<Store, "get">, event: DeliveredEvent): Promise<Effect> {
  const partition = partitionOf(event);
  const stored = await store.get<Tally>("tallies", [partition]);
  const document = { partition, count: (stored?.document.count ?? 0) + 1 };
  return {
    changes: [
      stored === undefined
        ? { kind: "insert", collection: "tallies", document }
        : { kind: "replace", collection: "tallies", document, ifRevision: stored.revision },
      {
        kind: "insert",
        collection: "applied",
        document: { partition, position: document.count, event: event.id },
      },
    ],
  };
}

/** Ids of what was applied in a partition, in order; one that was applied twice stands twice. */
export async function applied(store: Store, partition: string): Promise<unknown[]> {
  const { documents } = await store.scan("applied", { equals: [partition], limit: 1000 });
  const { count } = (await store.get<Tally>("tallies", [partition]))?.document ?? { count: 0 };
  if (count !== documents.length) throw new Error(`${count} counted, ${documents.length} applied`);
  return documents.map(({ document }) => document.event);
}

/** The next commit fails where a mode is set: before it reaches the store, or after it was stored. */
export function failing(store: Store): Store & { mode: "works" | "before" | "after" } {
  return {
    ...store,
    mode: "works",
    async commit(request) {
      const { mode } = this;
      this.mode = "works";
      if (mode === "before") throw new StoreError("unavailable", "planted");
      const result = await store.commit(request);
      if (mode === "after") throw new StoreError("unavailable", "planted");
      return result;
    },
  };
}
