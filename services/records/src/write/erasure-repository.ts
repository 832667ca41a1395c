import {
  type Change,
  type Document,
  type IndexValue,
  type Store,
  type Stored,
  scanPages,
} from "@wellapi/store";
import { clinicalCollections } from "../blocks/clinical-documents.ts";
import { type ErasureDocument, type Holding, recordsCollections } from "../blocks/documents.ts";
import { headAfterErasure } from "../blocks/head.ts";
import { headChange, loadHead } from "../blocks/head-repository.ts";
import { RecordsError } from "../errors.ts";

/** The collections with data. Heads, erasures and the log's leaves stay, because they prove the erasure. */
const erased = [
  ...["blocks", "observation_blocks", "series", "receipts", "tombstones", "releases"],
  ...clinicalCollections.map(({ name }) => name),
  "vendor_accounts",
  "device_priorities",
];
/** The receipt counts the deleted documents of these collections. */
const counted: ReadonlySet<string> = new Set([
  ...["blocks", "observation_blocks", "receipts"],
  ...["clinical_records", "clinical_versions"],
]);
const DOCUMENTS_A_COMMIT = 64;
const ERASURES_A_PAGE = 100;

export type StoredErasure = Stored<ErasureDocument>;

/** Erasures in progress and done, and the data that they delete. Throws StoreError. */
export interface ErasureRepository {
  /** The patient's erasure, if one has begun. */
  load(partition: string): Promise<StoredErasure | undefined>;
  /**
   * Commits the beginning of an erasure, with its entry for the log: from then on nothing of the patient is stored or
   * read. Gives what the patient's head said that organizations hold; undefined if another commit came between.
   */
  begin(erasure: ErasureDocument, leaf: Change): Promise<{ readonly held: readonly Holding[] } | undefined>;
  /**
   * Stores the progress, with other changes in the same commit. Throws ERASURE_INCOMPLETE where another replica was
   * faster.
   */
  save(
    erasure: StoredErasure,
    fields: Partial<ErasureDocument>,
    changes?: readonly Change[],
  ): Promise<StoredErasure>;
  /** Deletes all data of the patient, some documents for each commit, and adds their count to the erasure. */
  deleteData(erasure: StoredErasure): Promise<StoredErasure>;
  /** Unfinished erasures; at most 1,000. */
  running(): Promise<string[]>;
  /** Finished erasures whose data key was destroyed before this time, oldest first; without the retired ones. */
  ended(before: number): AsyncGenerator<StoredErasure>;
}

export function createErasureRepository(store: Store): ErasureRepository {
  async function save(
    erasure: StoredErasure,
    fields: Partial<ErasureDocument>,
    changes: readonly Change[] = [],
  ): Promise<StoredErasure> {
    const { partition } = erasure.document;
    const document = { ...erasure.document, ...fields } as ErasureDocument;
    const result = await store.commit({
      partition,
      changes: [
        ...changes,
        { kind: "replace", collection: "erasures", document, ifRevision: erasure.revision },
      ],
    });
    if (!result.committed) throw new RecordsError("ERASURE_INCOMPLETE");
    return { document, revision: erasure.revision + 1 };
  }

  async function someKeys(collection: string, partition: string): Promise<IndexValue[][]> {
    const { documents } = await store.scan<Document>(collection, {
      equals: [partition],
      limit: DOCUMENTS_A_COMMIT,
    });
    const { key } = recordsCollections.find(({ name }) => name === collection)!;
    return documents.map(({ document }) => key.map((field) => document[field] as IndexValue));
  }

  return {
    load: (partition) => store.get<ErasureDocument>("erasures", [partition]),
    async begin(erasure, leaf) {
      const { partition } = erasure;
      const head = await loadHead(store, partition);
      const { committed } = await store.commit({
        partition,
        changes: [
          headChange(partition, head, headAfterErasure(head?.document)),
          { kind: "insert", collection: "erasures", document: erasure },
          leaf,
        ],
      });
      return committed ? { held: head?.document.held ?? [] } : undefined;
    },
    save,
    async deleteData(begun) {
      let erasure = begun;
      const { partition } = erasure.document;
      for (const collection of erased) {
        for (let keys = await someKeys(collection, partition); keys.length > 0; ) {
          const more = counted.has(collection) ? keys.length : 0;
          erasure = await save(
            erasure,
            { documents_deleted: erasure.document.documents_deleted + more },
            keys.map((key) => ({ kind: "delete", collection, key })),
          );
          keys = await someKeys(collection, partition);
        }
      }
      return erasure;
    },
    async running() {
      const { documents } = await store.scan<ErasureDocument>("erasures", {
        index: "by_state",
        equals: ["running"],
        limit: 1_000,
      });
      return documents.map(({ document }) => document.partition);
    },
    async *ended(before) {
      const scan = { index: "by_end", equals: ["done"], range: { to: before }, limit: ERASURES_A_PAGE };
      for await (const page of scanPages<ErasureDocument>(store, "erasures", scan)) yield* page.documents;
    },
  };
}
