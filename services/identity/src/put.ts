import type { Change, Document, Stored } from "@wellapi/store";

/**
 * For a loop that reads a document, changes it and commits until nothing came between: inserts it where there was none, else
 * replaces what was read.
 */
export function put(collection: string, document: Document, read: Stored<Document> | undefined): Change {
  return read === undefined
    ? { kind: "insert", collection, document }
    : { kind: "replace", collection, document, ifRevision: read.revision };
}
