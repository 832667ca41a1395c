import type { Change, Store } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import { noticesError } from "../errors.ts";
import { LISTED_MS, type OrganizationEvent, STORED_MS } from "./event.ts";
import {
  type EventDocument,
  type FeedDocument,
  feeds,
  openEvent,
  organizationEvents,
} from "./feed-documents.ts";

/** Where a reader is: behind this event. */
export interface Position {
  /** 0: before the first. */
  readonly sequence: number;
  /** Its id; empty before the first. A restored server may have another event under the same number. */
  readonly event: string;
}

export interface FeedPage {
  /** Oldest first. Those that were sealed with a destroyed key are left out. */
  readonly events: readonly OrganizationEvent[];
  /** Behind the last event that was read. */
  readonly end: Position;
  readonly more: boolean;
}

/** What organizations are told, by the partitions of their feeds. Throws StoreError, VaultError. */
export interface FeedRepository {
  /** Behind the newest event. */
  newest(feed: string): Promise<Position>;
  /** Before the oldest event that is listed, or that was listed at `since` or later. */
  oldest(feed: string, now: number, since?: number): Promise<Position>;
  /** What comes after the position. Throws `resume_token_too_old` where some of it is not listed any more. */
  after(feed: string, position: Position, limit: number, now: number): Promise<FeedPage>;
  /** One event; undefined where it is not stored any more, or its key was destroyed. */
  find(feed: string, position: Position): Promise<OrganizationEvent | undefined>;
  /** Whether nothing after the position is missing: everything of it is listed still. */
  reaches(feed: string, position: Position, now: number): Promise<boolean>;
  /** Removes what is older than it is stored; resolves to whether there may be more. */
  prune(now: number): Promise<boolean>;
}

const PRUNED_AT_ONCE = 500;

export function createFeedRepository(store: Store, vault: Pick<Vault, "key">): FeedRepository {
  const { name: collection } = organizationEvents;
  const get = (feed: string, sequence: number) => store.get<EventDocument>(collection, [feed, sequence]);

  async function newest(feed: string): Promise<Position> {
    const at = await store.get<FeedDocument>(feeds.name, [feed]);
    return { sequence: at?.document.sequence ?? 0, event: at?.document.event ?? "" };
  }

  /** False: events after it are not listed any more, or the feed is not the one that it names. */
  async function reaches(feed: string, { sequence, event }: Position, now: number): Promise<boolean> {
    const last = await newest(feed);
    if (sequence === last.sequence && event === last.event) return true;
    const [own, next] = await Promise.all([get(feed, sequence), get(feed, sequence + 1)]);
    const isOther = own !== undefined && own.document.event !== event;
    const isListed = next !== undefined && next.document.create_time >= now - LISTED_MS;
    return !isOther && isListed;
  }

  async function opened(document: EventDocument): Promise<OrganizationEvent | undefined> {
    const content = await openEvent(vault, document);
    const { event: id, sequence, patient } = document;
    return content && { ...content, id, sequence, patient };
  }

  return {
    newest,
    reaches,
    async find(feed, { sequence, event }) {
      const stored = await get(feed, sequence);
      return stored?.document.event === event ? opened(stored.document) : undefined;
    },
    async oldest(feed, now, since = 0) {
      const range = { from: Math.max(since, now - LISTED_MS) };
      const listed = { index: "by_time", equals: [feed], range, limit: 1 };
      const { documents } = await store.scan<EventDocument>(collection, listed);
      const first = documents[0]?.document;
      if (first === undefined) return newest(feed);
      const before = first.sequence - 1;
      return { sequence: before, event: (await get(feed, before))?.document.event ?? "" };
    },
    async after(feed, position, limit, now) {
      if (!(await reaches(feed, position, now))) throw noticesError("resume_token_too_old");
      const range = { after: position.sequence };
      const page = await store.scan<EventDocument>(collection, { equals: [feed], range, limit });
      const events: OrganizationEvent[] = [];
      for (const { document } of page.documents) {
        const event = await opened(document);
        if (event !== undefined) events.push(event);
      }
      const last = page.documents.at(-1)?.document;
      const end = last === undefined ? position : { sequence: last.sequence, event: last.event };
      return { events, end, more: page.cursor !== undefined };
    },
    async prune(now) {
      const range = { to: now - STORED_MS };
      const old = { index: "by_age", equals: [], range, limit: PRUNED_AT_ONCE };
      const { documents } = await store.scan<EventDocument>(collection, old);
      for (const [partition, those] of Map.groupBy(documents, ({ document }) => document.partition)) {
        const changes = those.map(({ document }): Change => {
          return { kind: "delete", collection, key: [partition, document.sequence] };
        });
        await store.commit({ partition, changes });
      }
      return documents.length === PRUNED_AT_ONCE;
    },
  };
}
