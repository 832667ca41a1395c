import type { Change, Store } from "@wellapi/store";
import {
  DEAD_LETTERS,
  type DeadLetter,
  DURABLES,
  type Durable,
  PARTITION,
  RETRIES,
  type Retry,
} from "./collections.ts";

/** A delivery that failed: its entry to store as a retry, or the reason why it is given up. */
export type Setback =
  | { readonly kind: "retry"; readonly retry: Retry }
  | { readonly kind: "deadLetter"; readonly deadLetter: DeadLetter };

/** The stored state of a durable. Each method that writes is one commit. */
export interface DurableState {
  readonly cursor: number;
  /** Moves the cursor in memory only, past events of other subjects. */
  skipTo(cursor: number): void;
  /** Stores the cursor, together with the deliveries that failed before it. */
  advance(cursor: number, setbacks?: readonly Setback[]): Promise<void>;
  /** The retry that is due first. */
  nextRetry(): Promise<Retry | undefined>;
  /** Removes a retry, or replaces it by the next retry or by its dead letter. */
  settleRetry(retry: Retry, setback?: Setback): Promise<void>;
  /**
   * Moves dead letters to the retries, with no attempts and due at `now`: all, or those with these ids. Returns how
   * many.
   */
  replay(ids: ReadonlySet<string> | undefined, now: number): Promise<number>;
  /** Stores a cursor that only moved past other subjects, where it has moved further than this many events. */
  flush(distance: number): Promise<void>;
}

const REPLAYED_AT_ONCE = 256;

/** Loads the durable, or stores it as new at `startAt`. */
export async function openDurableState(
  store: Store,
  durable: string,
  startAt: number,
): Promise<DurableState> {
  const key = [PARTITION, durable];
  const at = (cursor: number): Durable => ({ partition: PARTITION, durable, cursor });
  const commit = async (changes: Change[]) => {
    const result = await store.commit({ partition: PARTITION, changes });
    if (!result.committed)
      throw new Error(`the state of ${durable} was changed by another: ${result.reason}`);
  };
  let stored = await store.get<Durable>(DURABLES, key);
  if (!stored) {
    await commit([{ kind: "insert", collection: DURABLES, document: at(startAt) }]);
    stored = { document: at(startAt), revision: 1 };
  }
  let { cursor } = stored.document;
  let storedCursor = cursor;
  let revision = stored.revision;

  const toInsert = (setback: Setback): Change =>
    setback.kind === "retry"
      ? { kind: "insert", collection: RETRIES, document: setback.retry }
      : { kind: "insert", collection: DEAD_LETTERS, document: setback.deadLetter };

  const advance = async (to: number, setbacks: readonly Setback[] = []) => {
    const move: Change = { kind: "replace", collection: DURABLES, document: at(to), ifRevision: revision };
    try {
      await commit([move, ...setbacks.map(toInsert)]);
    } catch (error) {
      // The commit may have happened: continue from the stored state, if it can be read.
      const current = await store.get<Durable>(DURABLES, key);
      if (current) ({ revision } = current);
      if (current?.document.cursor !== to) throw error;
      cursor = to;
      storedCursor = to;
      return;
    }
    revision += 1;
    cursor = to;
    storedCursor = to;
  };

  return {
    get cursor() {
      return cursor;
    },
    skipTo(to) {
      cursor = to;
    },
    advance,
    async nextRetry() {
      const scan = { index: "by_due", equals: [PARTITION, durable], limit: 1 };
      return (await store.scan<Retry>(RETRIES, scan)).documents[0]?.document;
    },
    async settleRetry(retry, setback) {
      const remove: Change = { kind: "delete", collection: RETRIES, key: [...key, retry.sequence] };
      await commit(setback ? [remove, toInsert(setback)] : [remove]);
    },
    async replay(ids, now) {
      let replayed = 0;
      // A replayed event may fail and be a dead letter again, so each page starts behind the last one.
      for (let after = 0, more = true; more; ) {
        const scan = { equals: [PARTITION, durable], range: { after }, limit: REPLAYED_AT_ONCE };
        const { documents, cursor: next } = await store.scan<DeadLetter>(DEAD_LETTERS, scan);
        const wanted = documents.filter(({ document }) => ids?.has(document.event.id) ?? true);
        const changes = wanted.flatMap(({ document }): Change[] => {
          const { error: _, ...entry } = document;
          const retry: Retry = { ...entry, attempts: 0, dueAt: now };
          return [
            { kind: "delete", collection: DEAD_LETTERS, key: [...key, document.sequence] },
            { kind: "insert", collection: RETRIES, document: retry },
          ];
        });
        if (changes.length > 0) await commit(changes);
        replayed += wanted.length;
        after = documents.at(-1)?.document.sequence ?? after;
        more = next !== undefined;
      }
      return replayed;
    },
    async flush(distance) {
      if (cursor - storedCursor > distance) await advance(cursor);
    },
  };
}
