import { randomBytes } from "node:crypto";
import { type Clock, encodeId } from "@wellapi/runtime";
import type { Change, CollectionDeclaration, Document, Store, Stored } from "@wellapi/store";
import { StoreError } from "@wellapi/store";
import { JournalError } from "./errors.ts";
import type { Entry, Extent, FactKind, JournalRepository, Link } from "./port.ts";

/** A journal is one total order, so it lies in one partition. */
export const PARTITION = "journal";
export const ENTRIES = "journal_entries";
export const EXTENT = "journal_extent";
const DAY = 86_400_000;
/** How many entries one commit drops. */
const DROPPED_AT_ONCE = 500;

/**
 * The collections of a journal. Declare them in a store of its own, apart from the data and outside the data's
 * backups.
 */
export const journalRepositoryCollections: readonly CollectionDeclaration[] = [
  {
    name: ENTRIES,
    key: ["partition", "position"],
    indexes: [{ name: "fact", fields: ["partition", "kind", "subject"], unique: true }],
  },
  { name: EXTENT, key: ["partition"], indexes: [] },
];

export type EntryDocument = Document & {
  readonly position: number;
  readonly kind: string;
  readonly subject: string;
  readonly where: string;
  readonly time: number;
  readonly mac: Uint8Array;
};

export type ExtentDocument = Document & {
  readonly journal: string;
  readonly base: Link;
  readonly head: Link;
};

export interface JournalRepositoryOptions {
  /** Declares `journalRepositoryCollections`. */
  readonly store: Store;
  readonly clock: Clock;
  /** Entries older than this are dropped at open. Keep them longer than any backup of the data. */
  readonly retentionDays: number;
}

/** Opens the journal of a store, and creates one where there is none. */
export async function openJournalRepository(options: JournalRepositoryOptions): Promise<JournalRepository> {
  const { store, clock, retentionDays } = options;
  const partition = PARTITION;

  async function stored(): Promise<Stored<ExtentDocument>> {
    const found = await store.get<ExtentDocument>(EXTENT, [partition]);
    if (found) return found;
    const none: Link = { position: 0, mac: new Uint8Array() };
    const journal = `jrn_${encodeId(randomBytes(16))}`;
    const document: ExtentDocument = { partition, journal, base: none, head: none };
    await store.commit({ partition, changes: [{ kind: "insert", collection: EXTENT, document }] });
    return (await store.get<ExtentDocument>(EXTENT, [partition]))!;
  }

  async function read(after: number, limit: number): Promise<readonly Entry[]> {
    const { documents } = await store.scan<EntryDocument>(ENTRIES, {
      equals: [partition],
      range: { after },
      limit,
    });
    return documents.map(({ document }) => entryOf(document));
  }

  /** Drops the oldest entries that no backup needs. */
  async function dropOld(): Promise<void> {
    const before = clock.now() - retentionDays * DAY;
    for (;;) {
      const { document, revision } = await stored();
      const oldest = await read(0, DROPPED_AT_ONCE);
      const firstKept = oldest.findIndex(({ time }) => time >= before);
      const old = firstKept < 0 ? oldest : oldest.slice(0, firstKept);
      const last = old.at(-1);
      if (!last) return;
      const kept: ExtentDocument = { ...document, base: { position: last.position, mac: last.mac } };
      const changes: Change[] = [
        { kind: "replace", collection: EXTENT, document: kept, ifRevision: revision },
        ...old.map(({ position }): Change => {
          return { kind: "delete", collection: ENTRIES, key: [partition, position] };
        }),
      ];
      await store.commit({ partition, changes });
    }
  }

  await guard(dropOld).catch((error: unknown) => {
    // A later start drops them.
    if (!(error instanceof JournalError && isFull(error.cause))) throw error;
  });
  return {
    extent: () =>
      guard(async (): Promise<Extent> => {
        const { journal, base, head } = (await stored()).document;
        return { journal, base, head };
      }),
    read: (after, limit) => guard(() => read(after, limit)),
    append: (entry) =>
      guard(async () => {
        const { document, revision } = await stored();
        const { position, mac } = entry;
        const grown: ExtentDocument = { ...document, head: { position, mac } };
        const known = await store.scan(ENTRIES, {
          index: "fact",
          equals: [partition, entry.kind, entry.subject],
          limit: 1,
        });
        if (known.documents.length > 0) return "known";
        if (position !== document.head.position + 1) return "conflict";
        const result = await store.commit({
          partition,
          changes: [
            { kind: "replace", collection: EXTENT, document: grown, ifRevision: revision },
            { kind: "insert", collection: ENTRIES, document: documentOf(entry) },
          ],
          useReserve: true,
        });
        return result.committed ? "appended" : "conflict";
      }),
  };
}

function documentOf({ position, kind, partition, subject, time, mac }: Entry): EntryDocument {
  return { partition: PARTITION, position, kind, subject, where: partition, time, mac };
}

export function entryOf({ position, kind, subject, where, time, mac }: EntryDocument): Entry {
  return { position, kind: kind as FactKind, partition: where, subject, time, mac };
}

function isFull(error: unknown): boolean {
  return error instanceof StoreError && error.full;
}

/** Turns errors of the store into the journal's own. */
async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    throw new JournalError("unavailable", `the journal's store failed: ${cause.message}`, { cause });
  }
}
