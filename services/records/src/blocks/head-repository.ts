import type { Change, Store, Stored } from "@wellapi/store";
import type { Head } from "./documents.ts";

/** The patient's head; undefined before the first commit. */
export function loadHead(store: Pick<Store, "get">, partition: string): Promise<Stored<Head> | undefined> {
  return store.get<Head>("heads", [partition]);
}

/** How often samples of the patient were moved between blocks. */
export async function movesOf(store: Pick<Store, "get">, partition: string): Promise<number> {
  return (await loadHead(store, partition))?.document.moves ?? 0;
}

/** Replaces the head that was read by `next`; refused where another commit came between. */
export function headChange(
  partition: string,
  read: Stored<Head> | undefined,
  next: Pick<Head, "sequence" | "erased"> & Partial<Head>,
): Change {
  const document: Head = { ...read?.document, ...next, partition };
  return read === undefined
    ? { kind: "insert", collection: "heads", document }
    : { kind: "replace", collection: "heads", document, ifRevision: read.revision };
}
