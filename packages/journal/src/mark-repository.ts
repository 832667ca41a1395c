import type { CollectionDeclaration, Document, Store } from "@wellapi/store";
import { sameBytes } from "./chain.ts";
import type { Fact, FactKind, Link } from "./port.ts";

const MARK = "journal_mark";
const OWED = "journal_owed";
const PARTITION = "journal";
const ATTEMPTS = 20;

/** What a service stores about the journal beside its own data, in the service's own store. */
export const journalCollections: readonly CollectionDeclaration[] = [
  { name: MARK, key: ["partition"], indexes: [] },
  {
    name: OWED,
    key: ["partition", "kind", "subject"],
    indexes: [{ name: "by_time", fields: ["time", "subject"] }],
  },
];

/** The position up to which the data contains the journal. */
export interface Mark extends Link {
  readonly journal: string;
}

type MarkDocument = Document & Mark;
type OwedDocument = Document & { readonly kind: string; readonly subject: string; readonly time: number };

/** Throws StoreError. */
export function createMarkRepository(store: Store) {
  return {
    async mark(): Promise<Mark | undefined> {
      const found = await store.get<MarkDocument>(MARK, [PARTITION]);
      if (!found) return undefined;
      const { journal, position, mac } = found.document;
      return { journal, position, mac };
    },

    /** Never moves back within one journal, because several replicas write it. */
    async advance(mark: Mark): Promise<void> {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const before = await store.get<MarkDocument>(MARK, [PARTITION]);
        if (before?.document.journal === mark.journal && before.document.position >= mark.position) return;
        if (await put(mark, before?.revision)) return;
      }
    },

    /** May also move back: an operator has decided to accept the journal as it is. */
    async reset(mark: Mark): Promise<void> {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const before = await store.get<MarkDocument>(MARK, [PARTITION]);
        // Written only where it changes, so that a start on a full disk writes nothing.
        if (before !== undefined && isSame(before.document, mark)) return;
        if (await put(mark, before?.revision)) return;
      }
    },

    /** For the commit that makes the fact true: notes that the journal still lacks it. */
    owed({ kind, partition, subject, time }: Fact) {
      const document: OwedDocument = { partition, kind, subject, time };
      return { kind: "insert", collection: OWED, document } as const;
    },

    /** Oldest first. */
    async allOwed(limit: number): Promise<Fact[]> {
      const page = await store.scan<OwedDocument>(OWED, { index: "by_time", equals: [], limit });
      return page.documents.map(({ document: { partition, kind, subject, time } }) => {
        return { kind: kind as FactKind, partition, subject, time };
      });
    },

    async settled({ kind, partition, subject }: Fact): Promise<void> {
      const change = { kind: "delete", collection: OWED, key: [partition, kind, subject] } as const;
      await store.commit({ partition, changes: [change], useReserve: true });
    },
  };

  async function put(mark: Mark, ifRevision: number | undefined): Promise<boolean> {
    const document: MarkDocument = { partition: PARTITION, ...mark };
    const result = await store.commit({
      partition: PARTITION,
      changes: [
        ifRevision === undefined
          ? { kind: "insert", collection: MARK, document }
          : { kind: "replace", collection: MARK, document, ifRevision },
      ],
    });
    return result.committed;
  }
}

function isSame(one: Mark, other: Mark): boolean {
  return one.journal === other.journal && one.position === other.position && sameBytes(one.mac, other.mac);
}

export type MarkRepository = ReturnType<typeof createMarkRepository>;
