import type { Change, OutboxEvent, Store } from "@wellapi/store";
import type { Clock } from "../signal.ts";
import { HEAD, type Head, IDS, LOG, type LoggedEvent, PARTITION, type PublishedId } from "./collections.ts";

/** Events in publish order. */
export interface EventLog {
  /** The last sequence that was given out. */
  head(): number;
  /** Resolves when the events are on disk; calls are served in order, several in one commit. */
  append(events: readonly OutboxEvent[]): Promise<void>;
  /** At most `limit` events after this sequence, in order. */
  readAfter(sequence: number, limit: number): Promise<readonly LoggedEvent[]>;
  /** Removes events up to this sequence, a bounded number a call; true when none is left. */
  prune(sequence: number): Promise<boolean>;
  /** Waits for appends under way. */
  settle(): Promise<void>;
}

interface Append {
  readonly events: readonly OutboxEvent[];
  resolve(): void;
  reject(error: unknown): void;
}

const ID_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;
const ID_PRUNE_INTERVAL_MS = 60_000;
const MAX_EVENTS_A_COMMIT = 1000;
const MAX_PRUNED = 512;

export async function openEventLog(store: Store, clock: Clock, onAppended: () => void): Promise<EventLog> {
  const stored = await store.get<Head>(HEAD, [PARTITION]);
  let head = stored?.document.sequence ?? 0;
  let headRevision = stored?.revision ?? 0;
  const waiting: Append[] = [];
  let appending: Promise<void> | undefined;
  let idsPrunedAt = 0;

  const commit = async (changes: Change[]) => {
    const result = await store.commit({ partition: PARTITION, changes });
    if (!result.committed) throw new Error(`the event log was changed by another: ${result.reason}`);
  };

  /** The events whose ids are new, each id once. */
  const fresh = async (events: readonly OutboxEvent[]): Promise<OutboxEvent[]> => {
    const byId = new Map<string, OutboxEvent>();
    for (const event of events) if (!byId.has(event.id)) byId.set(event.id, event);
    const known = await Promise.all([...byId.keys()].map((id) => store.get(IDS, [PARTITION, id])));
    return [...byId.values()].filter((_, i) => known[i] === undefined);
  };

  const reload = async () => {
    const current = await store.get<Head>(HEAD, [PARTITION]);
    head = current?.document.sequence ?? 0;
    headRevision = current?.revision ?? 0;
  };

  const write = async (events: readonly OutboxEvent[]) => {
    const news = await fresh(events);
    if (news.length === 0) return;
    const publishedAt = clock.now();
    const changes = news.flatMap((event, i): Change[] => {
      const entry: LoggedEvent = { partition: PARTITION, sequence: head + 1 + i, event };
      const id: PublishedId = { partition: PARTITION, id: event.id, publishedAt };
      return [
        { kind: "insert", collection: LOG, document: entry },
        { kind: "insert", collection: IDS, document: id },
      ];
    });
    const document: Head = { partition: PARTITION, sequence: head + news.length };
    changes.push(
      headRevision === 0
        ? { kind: "insert", collection: HEAD, document }
        : { kind: "replace", collection: HEAD, document, ifRevision: headRevision },
    );
    try {
      await commit(changes);
    } catch (error) {
      // The commit may have happened nevertheless: the next append starts from the stored state.
      await reload().catch(() => undefined);
      onAppended();
      throw error;
    }
    head = document.sequence;
    headRevision += 1;
    onAppended();
  };

  const pruneIds = async () => {
    if (clock.now() - idsPrunedAt < ID_PRUNE_INTERVAL_MS) return;
    const range = { to: clock.now() - ID_RETENTION_MS };
    const scan = { index: "by_time", equals: [PARTITION], range, limit: MAX_EVENTS_A_COMMIT };
    const { documents } = await store.scan<PublishedId>(IDS, scan);
    // A full page means that more are due: the next append goes on.
    if (documents.length < MAX_EVENTS_A_COMMIT) idsPrunedAt = clock.now();
    if (documents.length === 0) return;
    await commit(
      documents.map(({ document }) => ({ kind: "delete", collection: IDS, key: [PARTITION, document.id] })),
    );
  };

  const drain = async () => {
    // Calls of the same turn gather into one commit.
    await null;
    while (waiting.length > 0) {
      const group = [waiting.shift()!];
      let size = group[0]!.events.length;
      while (waiting[0] && size + waiting[0].events.length <= MAX_EVENTS_A_COMMIT) {
        size += waiting[0].events.length;
        group.push(waiting.shift()!);
      }
      try {
        await pruneIds();
        await write(group.flatMap((append) => append.events));
        for (const append of group) append.resolve();
      } catch (error) {
        for (const append of group) append.reject(error);
      }
    }
    appending = undefined;
  };

  return {
    head: () => head,
    append(events) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.push({ events: [...events], resolve, reject });
      appending ??= drain();
      return promise;
    },
    async readAfter(sequence, limit) {
      const scan = { equals: [PARTITION], range: { after: sequence }, limit };
      const { documents } = await store.scan<LoggedEvent>(LOG, scan);
      return documents.map(({ document }) => document);
    },
    async prune(sequence) {
      const scan = { equals: [PARTITION], range: { to: sequence + 1 }, limit: MAX_PRUNED };
      const { documents } = await store.scan<LoggedEvent>(LOG, scan);
      const keys = documents.map(({ document }) => [PARTITION, document.sequence]);
      if (keys.length > 0) await commit(keys.map((key) => ({ kind: "delete", collection: LOG, key })));
      return keys.length < MAX_PRUNED;
    },
    async settle() {
      await appending;
    },
  };
}
