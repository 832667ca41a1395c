import type { Change, Store, Stored } from "@wellapi/store";
import type { Head } from "./documents.ts";

/** The patient's head, if anything was ever committed. */
export function loadHead(store: Store, partition: string): Promise<Stored<Head> | undefined> {
  return store.get<Head>("heads", [partition]);
}

/** Puts `next` in the place of the head that was read; refused where another commit came between. */
export function headChange(
  partition: string,
  read: Stored<Head> | undefined,
  next: { readonly sequence: number; readonly erased: boolean },
): Change {
  const document: Head = { partition, sequence: next.sequence, erased: next.erased };
  return read === undefined
    ? { kind: "insert", collection: "heads", document }
    : { kind: "replace", collection: "heads", document, ifRevision: read.revision };
}
