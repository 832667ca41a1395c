import type { ErasureDocument } from "../blocks/documents.ts";

/** A finished erasure. Times are UTC milliseconds. */
export interface Erasure {
  readonly id: string;
  /** The log's entry that was committed after the keys were gone. */
  readonly access: string;
  readonly keyDestroyed: number;
  /** Ids of the keys that were destroyed. */
  readonly keyIds: readonly string[];
  readonly documentsDeleted: number;
}

export type ErasureProgress =
  | { readonly state: "running"; readonly id: string }
  | { readonly state: "done"; readonly erasure: Erasure };

/** The state of an erasure that begins. One from the journal has destroyed keys before. */
export type KnownErasure = Pick<ErasureDocument, "id"> &
  Partial<Pick<ErasureDocument, "key_destroyed_ms" | "key_ids">>;

/** @param openedBy the log's entry of its beginning */
export function begunErasure(partition: string, known: KnownErasure, openedBy: string): ErasureDocument {
  return {
    key_destroyed_ms: 0,
    key_ids: [],
    documents_deleted: 0,
    ...known,
    partition,
    state: "running",
    opened_by: openedBy,
    access: "",
  };
}

export function erasureOf(document: ErasureDocument): Erasure {
  return {
    id: document.id,
    access: document.access,
    keyDestroyed: document.key_destroyed_ms,
    keyIds: document.key_ids,
    documentsDeleted: document.documents_deleted,
  };
}

export function isDone({ state }: ErasureDocument): boolean {
  return state !== "running";
}

export function progressOf(document: ErasureDocument): ErasureProgress {
  if (!isDone(document)) return { state: "running", id: document.id };
  return { state: "done", erasure: erasureOf(document) };
}
