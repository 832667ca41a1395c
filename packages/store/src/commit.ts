import type { Catalog, CollectionShape } from "./catalog.ts";
import { encodeDocument } from "./document.ts";
import { StoreError } from "./errors.ts";
import { checkIndexValue, isIndexValue } from "./index-value.ts";
import type { Change, Commit, Document, IndexValue, OutboxEvent } from "./port.ts";

/** A change that was checked, with the document as bytes and its indexed fields taken out. */
export type PreparedChange =
  | {
      readonly kind: "insert" | "replace";
      readonly collection: string;
      /** In the order of the collection's `fields`; null where the document lacks the field. */
      readonly values: ReadonlyArray<IndexValue | null>;
      readonly document: Uint8Array;
      /** 0 for an insert. */
      readonly ifRevision: number;
    }
  | {
      readonly kind: "delete";
      readonly collection: string;
      readonly key: readonly IndexValue[];
      /** 0 where the delete has no guard. */
      readonly ifRevision: number;
    };

/** Checks a commit against the port's contract, for any engine. Throws `invalid`. */
export function prepareChanges(catalog: Catalog, commit: Commit): PreparedChange[] {
  if (typeof commit.partition !== "string" || commit.partition === "") refuse("the partition is empty");
  checkIndexValue(commit.partition, "partition");
  for (const event of commit.events ?? []) checkOutboxEvent(event);
  return commit.changes.map((change) => prepareChange(catalog, commit.partition, change));
}

function prepareChange(catalog: Catalog, partition: string, change: Change): PreparedChange {
  const shape = catalog.collection(change.collection);
  if (change.kind === "delete") {
    checkKey(shape, change.key);
    if (change.key[0] !== partition) refuse(`a key of ${shape.name} lies in another partition`);
    const ifRevision = change.ifRevision === undefined ? 0 : checkRevision(change.ifRevision);
    return { kind: "delete", collection: shape.name, key: [...change.key], ifRevision };
  }
  if (change.document.partition !== partition) {
    refuse(`a document of ${shape.name} lies in another partition`);
  }
  return {
    kind: change.kind,
    collection: shape.name,
    values: extract(shape, change.document),
    document: encodeDocument(change.document),
    ifRevision: change.kind === "replace" ? checkRevision(change.ifRevision) : 0,
  };
}

function extract(shape: CollectionShape, document: Document): Array<IndexValue | null> {
  return shape.fields.map((field) => {
    const value = document[field] ?? null;
    if (value === null && !shape.key.includes(field)) return null;
    checkIndexValue(value, `field ${field} of ${shape.name}`);
    return value;
  });
}

/** Throws `invalid` unless this is a whole key of the collection. */
export function checkKey(shape: CollectionShape, key: readonly IndexValue[]): void {
  if (key.length !== shape.key.length || !key.every(isIndexValue)) {
    refuse(`a key of ${shape.name} is (${shape.key.join(", ")})`);
  }
}

/** Throws `invalid` for an event that a broker would refuse later, when nobody can answer for it. */
export function checkOutboxEvent(event: OutboxEvent): void {
  if (!/^[\x21-\x7e]{1,200}$/.test(event.id)) refuse("an event's id is 1 to 200 visible ASCII characters");
  if (event.subject.length > 200 || !/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(event.subject)) {
    refuse("an event's subject is dot-separated words of letters, digits, _ and -");
  }
  if (!(event.data instanceof Uint8Array)) refuse("an event's data is a Uint8Array");
  for (const [name, value] of Object.entries(event.headers)) {
    if (!/^[A-Za-z0-9_-]+$/.test(name) || typeof value !== "string" || /[\r\n\0]/.test(value)) {
      refuse("an event's headers are single-line strings named with letters, digits, _ and -");
    }
  }
}

function checkRevision(revision: number): number {
  if (!Number.isSafeInteger(revision) || revision < 1) refuse("ifRevision is an integer from 1");
  return revision;
}

function refuse(message: string): never {
  throw new StoreError("invalid", message);
}
