import { Binary, type ObjectId } from "mongodb";
import type { CollectionShape } from "../catalog.ts";
import { decodeDocument } from "../document.ts";
import type { Document, IndexValue, Stored } from "../port.ts";

/**
 * What a collection holds: a fixed envelope, so that its validator can be strict, around the service's own
 * document as one binary value, so that the document comes back as it went in.
 */
export interface Envelope {
  /** MongoDB's own. Nothing refers to it: a document is found by its key. */
  readonly _id?: ObjectId;
  /** The shard key. */
  readonly partition: string;
  readonly _rev: number;
  /** Which declared fields were taken out; the validator admits the current ones only. */
  readonly _shape: string;
  readonly _body: Binary;
  /** The other fields of the key and of indexes; absent where the document has none. */
  readonly [field: string]: unknown;
}

/** Finds one document, in one partition. */
export function keyFilter(shape: CollectionShape, key: readonly IndexValue[]): Record<string, IndexValue> {
  return Object.fromEntries(shape.key.map((field, i) => [field, plain(key[i]!)]));
}

/** `values` in the order of the shape's fields, as `prepareChanges` gives them. */
export function envelope(
  shape: CollectionShape,
  digest: string,
  values: ReadonlyArray<IndexValue | null>,
  document: Uint8Array,
  revision: number,
): Envelope {
  const fields = shape.fields
    .map((field, i) => [field, values[i] ?? null] as const)
    .filter((entry): entry is readonly [string, IndexValue] => entry[1] !== null)
    .map(([field, value]) => [field, plain(value)]);
  const indexed = Object.fromEntries(fields) as { partition: string };
  return { ...indexed, _rev: revision, _shape: digest, _body: new Binary(document) };
}

export function openEnvelope<D extends Document>({ _body, _rev }: Envelope): Stored<D> {
  return { document: decodeDocument<D>(_body.value()), revision: _rev };
}

/** BSON keeps the sign of zero, and a key must be the same bytes each time. */
function plain(value: IndexValue): IndexValue {
  return value === 0 ? 0 : value;
}
