import type { ClientSession, Document as Command, Db } from "mongodb";
import { MongoServerError, ObjectId } from "mongodb";
import type { PreparedChange } from "../commit.ts";
import type { CommitResult, IndexValue } from "../port.ts";
import type { Layouts } from "./schema.ts";
import { envelope, keyFilter } from "./stored.ts";

export type Refusal = Extract<CommitResult, { committed: false }>;
/** Several guards ran in one command and one of them failed: the answer counts, and does not name it. */
export const UNNAMED = "unnamed";

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

/**
 * Runs the changes in order inside the session's transaction, up to the first that is refused. `together` sends
 * changes of one kind in one command, because a transaction may last only some seconds, however far the server is.
 */
export async function applyChanges(
  db: Db,
  layouts: Layouts,
  session: ClientSession,
  changes: readonly PreparedChange[],
  together: boolean,
): Promise<Refusal | typeof UNNAMED | undefined> {
  for (let start = 0; start < changes.length; ) {
    const batch = nextBatch(changes, start, together);
    const answer = (await db.command(commandOf(layouts, batch), { session })) as WriteAnswer;
    const refusal = refusalOf(layouts, batch, start, answer);
    if (refusal) return refusal;
    start += batch.length;
  }
  return undefined;
}

function nextBatch(
  changes: readonly PreparedChange[],
  start: number,
  together: boolean,
): readonly PreparedChange[] {
  const first = changes[start]!;
  const most = together || first.kind === "insert" ? MAX_BATCH : 1;
  let bytes = 0;
  let end = start;
  for (const change of changes.slice(start, start + most)) {
    if (change.kind !== first.kind || change.collection !== first.collection) break;
    if (isGuarded(change) !== isGuarded(first)) break;
    bytes += change.kind === "delete" ? 0 : change.document.byteLength;
    if (bytes > MAX_BATCH_BYTES && end > start) break;
    end += 1;
  }
  return changes.slice(start, Math.max(end, start + 1));
}

function commandOf(layouts: Layouts, batch: readonly PreparedChange[]): Command {
  const { kind, collection } = batch[0]!;
  const { shape, digest, key: keyIndex } = layouts(collection);
  const hint = keyIndex.name;
  const stored = (write: Write) => {
    return envelope(shape, digest, write.values, write.document, write.ifRevision + 1);
  };
  const statements = batch.map((change): Command => {
    if (change.kind === "insert") return { _id: new ObjectId(), ...stored(change) };
    const guard = change.ifRevision === 0 ? {} : { _rev: change.ifRevision };
    if (change.kind === "delete") return { q: { ...keyFilter(shape, change.key), ...guard }, limit: 1, hint };
    const key = change.values.slice(0, shape.key.length) as IndexValue[];
    return { q: { ...keyFilter(shape, key), ...guard }, u: stored(change), hint };
  });
  switch (kind) {
    case "insert":
      return { insert: shape.name, documents: statements, ordered: true };
    case "replace":
      return { update: shape.name, updates: statements, ordered: true };
    case "delete":
      return { delete: shape.name, deletes: statements, ordered: true };
  }
}

function isGuarded(change: PreparedChange): boolean {
  return change.kind !== "insert" && change.ifRevision !== 0;
}

function refusalOf(
  layouts: Layouts,
  batch: readonly PreparedChange[],
  start: number,
  { n, writeErrors }: WriteAnswer,
): Refusal | typeof UNNAMED | undefined {
  const change = batch[0]!;
  const error = writeErrors?.[0];
  // A failed guard comes before a change that was refused after it.
  if (isGuarded(change) && n < (error?.index ?? batch.length)) {
    return batch.length > 1 ? UNNAMED : { committed: false, reason: "conflict", change: start };
  }
  if (error) {
    // A write conflict, or a document that the validator refuses: thrown as the server throws it for a single change.
    if (error.code !== DUPLICATE_KEY)
      throw new MongoServerError({ ...error, message: "a write was refused" });
    const index = indexOf(layouts, change.collection, error.keyPattern ?? {});
    return { committed: false, reason: "duplicate", change: start + error.index, index };
  }
  return undefined;
}

/** The declared name of the unique index with these fields, as MongoDB names them in the error. */
function indexOf(layouts: Layouts, collection: string, pattern: Readonly<Record<string, unknown>>): string {
  const { shape, indexes } = layouts(collection);
  const met = Object.keys(pattern).join();
  const unique = [...shape.indexes.values()].filter((index) => index.unique);
  const index = unique.find((each) => Object.keys(indexes.get(each.name)!.key).join() === met);
  if (!index) throw new Error(`an index of ${collection} was met that is not declared`);
  return index.name;
}
