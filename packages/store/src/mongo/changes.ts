import type { ClientSession, Document as Command, Db } from "mongodb";
import { MongoServerError, ObjectId } from "mongodb";
import type { PreparedChange } from "../commit.ts";
import type { CommitResult, IndexValue } from "../port.ts";
import type { Layouts } from "./schema.ts";
import { envelope, keyFilter } from "./stored.ts";

export type Refusal = Extract<CommitResult, { committed: false }>;

type Write = Exclude<PreparedChange, { kind: "delete" }>;

/** A command stays below MongoDB's 48 MB a message, whatever the documents. */
const MAX_BATCH_BYTES = 24 * 1024 * 1024;
const MAX_BATCH = 1000;
const DUPLICATE_KEY = 11_000;

interface WriteAnswer extends Command {
  readonly n: number;
  readonly writeErrors?: ReadonlyArray<{
    readonly index: number;
    readonly code: number;
    readonly keyPattern?: Readonly<Record<string, unknown>>;
  }>;
}

/** Runs the changes in their order inside the session's transaction, up to the first that is refused. */
export async function applyChanges(
  db: Db,
  layouts: Layouts,
  session: ClientSession,
  changes: readonly PreparedChange[],
): Promise<Refusal | undefined> {
  for (let start = 0; start < changes.length; ) {
    const batch = nextBatch(changes, start);
    const answer = (await db.command(commandOf(layouts, batch), { session })) as WriteAnswer;
    const refusal = refusalOf(layouts, batch, start, answer);
    if (refusal) return refusal;
    start += batch.length;
  }
  return undefined;
}

/** Inserts into one collection go together. A guarded change goes alone, since answers count and do not name. */
function nextBatch(changes: readonly PreparedChange[], start: number): readonly PreparedChange[] {
  const first = changes[start]!;
  let bytes = 0;
  let end = start;
  for (const change of changes.slice(start, start + MAX_BATCH)) {
    if (change.kind !== "insert" || change.collection !== first.collection) break;
    bytes += change.document.byteLength;
    if (bytes > MAX_BATCH_BYTES && end > start) break;
    end += 1;
  }
  return changes.slice(start, Math.max(end, start + 1));
}

function commandOf(layouts: Layouts, batch: readonly PreparedChange[]): Command {
  const change = batch[0]!;
  const { shape, digest, key: keyIndex } = layouts(change.collection);
  const hint = keyIndex.name;
  const stored = (write: Write) => {
    return envelope(shape, digest, write.values, write.document, write.ifRevision + 1);
  };
  switch (change.kind) {
    case "insert":
      return {
        insert: shape.name,
        documents: (batch as readonly Write[]).map((write) => ({ _id: new ObjectId(), ...stored(write) })),
        ordered: true,
      };
    case "replace": {
      const key = change.values.slice(0, shape.key.length) as IndexValue[];
      const q = { ...keyFilter(shape, key), _rev: change.ifRevision };
      return { update: shape.name, updates: [{ q, u: stored(change), hint }] };
    }
    case "delete": {
      const guard = change.ifRevision === 0 ? {} : { _rev: change.ifRevision };
      const q = { ...keyFilter(shape, change.key), ...guard };
      return { delete: shape.name, deletes: [{ q, limit: 1, hint }] };
    }
  }
}

function refusalOf(
  layouts: Layouts,
  batch: readonly PreparedChange[],
  start: number,
  { n, writeErrors }: WriteAnswer,
): Refusal | undefined {
  const change = batch[0]!;
  const error = writeErrors?.[0];
  if (error) {
    // A write conflict or a refusal of the validator: thrown as the server throws them where they come alone.
    if (error.code !== DUPLICATE_KEY)
      throw new MongoServerError({ ...error, message: "a write was refused" });
    const index = indexOf(layouts, change.collection, error.keyPattern ?? {});
    return { committed: false, reason: "duplicate", change: start + error.index, index };
  }
  const guarded = change.kind !== "insert" && change.ifRevision !== 0;
  return guarded && n === 0 ? { committed: false, reason: "conflict", change: start } : undefined;
}

/** The declared name of the unique index with these fields; MongoDB tells which it met. */
function indexOf(layouts: Layouts, collection: string, pattern: Readonly<Record<string, unknown>>): string {
  const { shape, indexes } = layouts(collection);
  const met = Object.keys(pattern).join();
  const unique = [...shape.indexes.values()].filter((index) => index.unique);
  const index = unique.find((each) => Object.keys(indexes.get(each.name)!.key).join() === met);
  if (!index) throw new Error(`an index of ${collection} was met that is not declared`);
  return index.name;
}
