import type { PreparedChange } from "../commit.ts";
import type { Commit, IndexValue } from "../port.ts";
import type { PackedCommit, Span, WireChange, WireCommit, WireEvent } from "./protocol.ts";

/** The content of the text of a packed commit. Tuples, because field names would be most of the text. */
type CommitTuple = readonly [
  partition: string,
  changes: readonly ChangeTuple[],
  events: readonly (readonly [id: string, subject: string, headers: string, start: number, end: number])[],
  useReserve: 0 | 1,
];
/** A delete has no document: its values are the key. */
type ChangeTuple = readonly [
  kind: WireChange["kind"],
  collection: string,
  values: ReadonlyArray<IndexValue | null>,
  ifRevision: number,
  start?: number,
  end?: number,
];

/**
 * Copies all bytes of a commit into one buffer of its own: encoded documents and event data are often views
 * of a pool or of a received message, which a transfer would detach under their owners.
 */
export function packCommit(commit: Commit, prepared: readonly PreparedChange[]): PackedCommit {
  const parts: Uint8Array[] = [];
  let length = 0;
  const add = (part: Uint8Array): [start: number, end: number] => {
    parts.push(part);
    length += part.byteLength;
    return [length - part.byteLength, length];
  };
  const changes = prepared.map((change): ChangeTuple => {
    const { kind, collection, ifRevision } = change;
    if (kind === "delete") return [kind, collection, change.key, ifRevision];
    return [kind, collection, change.values, ifRevision, ...add(change.document)];
  });
  const events = (commit.events ?? []).map(
    ({ id, subject, data, headers }) => [id, subject, JSON.stringify(headers), ...add(data)] as const,
  );
  const tuple: CommitTuple = [commit.partition, changes, events, commit.useReserve ? 1 : 0];
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return { kind: "commit", text: JSON.stringify(tuple), bytes };
}

/** The inverse of `packCommit`, on the worker's side. */
export function unpackCommit({ text, bytes }: PackedCommit): WireCommit {
  const [partition, changes, events, useReserve] = JSON.parse(text) as CommitTuple;
  return {
    kind: "commit",
    partition,
    useReserve: useReserve === 1,
    changes: changes.map(([kind, collection, values, ifRevision, start = 0, end = 0]): WireChange => {
      if (kind === "delete") return { kind, collection, key: values as readonly IndexValue[], ifRevision };
      return { kind, collection, values, ifRevision, document: { start, end } };
    }),
    events: events.map(([id, subject, headers, start, end]): WireEvent => {
      const data: Span = { start, end };
      return { id, subject, headers, data };
    }),
    bytes,
  };
}
