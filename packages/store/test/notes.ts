import { expect } from "vitest";
import type { CollectionDeclaration, Document, OutboxEvent, Scan, Store } from "../src/index.ts";

/** The documents that the suite works on. */
export const contractCollections: readonly CollectionDeclaration[] = [
  {
    name: "note",
    key: ["partition", "id"],
    indexes: [
      { name: "by_email", fields: ["email"], unique: true },
      { name: "by_slot", fields: ["partition", "slot"], unique: true },
      { name: "by_tag", fields: ["tag", "rank"] },
      { name: "by_rank", fields: ["partition", "rank"] },
    ],
  },
  { name: "counter", key: ["partition"], indexes: [] },
];

export function note(id: string, fields: Record<string, unknown> = {}, partition = "eu/p1"): Document {
  return { partition, id, ...fields };
}

export function event(id: string): OutboxEvent {
  return { id, subject: "note.changed", data: new Uint8Array([1, 2, 3]), headers: { source: "test" } };
}

export async function insert(store: Store, ...documents: Document[]): Promise<void> {
  for (const document of documents) {
    const changes = [{ kind: "insert" as const, collection: "note", document }];
    expect(await store.commit({ partition: document.partition, changes })).toEqual({ committed: true });
  }
}

/** All ids of a scan, page by page. */
export async function idsOf(store: Store, scan: Scan): Promise<unknown[]> {
  const ids: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.scan("note", cursor === undefined ? scan : { ...scan, cursor });
    ids.push(...page.documents.map(({ document }) => document.id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return ids;
}
