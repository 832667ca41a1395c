import type { Change, Scan, Store, Stored } from "@wellapi/store";
import { dataKeyOf, type PatientKey, type Vault } from "@wellapi/vault";
import { collections, type InboxDocument, type NoticeDocument } from "./collections.ts";
import { KEPT_MS, type Notice, type Told } from "./notice.ts";
import { idOf, type Place, seal, unseal } from "./sealing.ts";

/** What is read of a list. */
export interface NoticePage {
  readonly notices: readonly Notice[];
  readonly cursor?: string;
}

/** The inboxes. Throws StoreError, VaultError. */
export interface InboxRepository {
  /**
   * The changes that put a notice into the inbox, for the commit of what leads to it; undefined where it is there already, where the
   * inbox is closed, and where the patient's key is destroyed. They are refused where the inbox changed meanwhile. `same`: what
   * makes it the same notice as another.
   */
  insertion(
    partition: string,
    told: Told,
    same: readonly (string | number)[],
    now: number,
  ): Promise<{ readonly id: string; readonly changes: readonly Change[] } | undefined>;
  get(partition: string, notice: string): Promise<Notice | undefined>;
  /** Newest first. Throws StoreError `invalid` for a cursor of another list. */
  list(
    partition: string,
    listed: { readonly unreadOnly: boolean; readonly limit: number; readonly cursor: string | undefined },
  ): Promise<NoticePage>;
  /** How many are unread, up to `most`. `shown`: only these, each of which is opened to look; absent: all. */
  unread(partition: string, most: number, shown?: (notice: Notice) => boolean): Promise<number>;
  /** Marks those that are there and that `may` names. */
  markRead(partition: string, ids: readonly string[], may: (notice: Notice) => boolean): Promise<void>;
  isClosed(partition: string): Promise<boolean>;
  /** Removes those that are older than they are kept; resolves to whether there may be more. */
  prune(now: number): Promise<boolean>;
}

const PRUNED_AT_ONCE = 500;
const ATTEMPTS = 10;

export function createInboxRepository(store: Store, vault: Pick<Vault, "key">): InboxRepository {
  const { inboxes, notices } = collections;
  const head = (partition: string) => store.get<InboxDocument>(inboxes, [partition]);

  function opened(
    key: PatientKey,
    { partition, notice, create_time, unread, sealed }: NoticeDocument,
  ): Notice {
    const told = unseal<Told>(key, placeOf(partition, notice), sealed);
    return { ...told, id: notice, createTime: create_time, read: unread === undefined };
  }

  async function scan(partition: string, scan: Scan): Promise<NoticePage> {
    const page = await store.scan<NoticeDocument>(notices, scan);
    const key = await dataKeyOf(vault, partition);
    if (key === undefined) return { notices: [] };
    return {
      notices: page.documents.map(({ document }) => opened(key, document)),
      ...(page.cursor !== undefined && { cursor: page.cursor }),
    };
  }

  async function markOne(partition: string, id: string, may: (notice: Notice) => boolean): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const stored = await store.get<NoticeDocument>(notices, [partition, id]);
      if (stored?.document.unread === undefined) return;
      const key = await dataKeyOf(vault, partition);
      if (key === undefined || !may(opened(key, stored.document))) return;
      const { unread: _, ...document } = stored.document;
      const change = { kind: "replace", collection: notices, ifRevision: stored.revision } as const;
      const changes = [{ ...change, document: document as NoticeDocument }];
      if ((await store.commit({ partition, changes })).committed) return;
    }
  }

  return {
    async insertion(partition, told, same, now) {
      const id = await dataKeyOf(vault, partition).then((key) => key && idOf(key, "ntc", same));
      if (id === undefined) return undefined;
      const [known, at] = await Promise.all([store.get(notices, [partition, id]), head(partition)]);
      if (known !== undefined || at?.document.closed) return undefined;
      const sealed = await dataKeyOf(vault, partition).then(
        (key) => key && seal(key, placeOf(partition, id), told),
      );
      if (sealed === undefined) return undefined;
      const document: NoticeDocument = { partition, notice: id, create_time: now, unread: true, sealed };
      return { id, changes: [touched(partition, at), { kind: "insert", collection: notices, document }] };
    },
    async get(partition, notice) {
      const stored = await store.get<NoticeDocument>(notices, [partition, notice]);
      const key = stored && (await dataKeyOf(vault, partition));
      return key && stored && opened(key, stored.document);
    },
    list(partition, { unreadOnly, limit, cursor }) {
      return scan(partition, {
        ...(unreadOnly
          ? { index: "by_unread", equals: [partition, true] }
          : { index: "by_time", equals: [partition] }),
        order: "descending",
        limit,
        ...(cursor !== undefined && { cursor }),
      });
    },
    async unread(partition, most, shown) {
      const unread = {
        index: "by_unread",
        equals: [partition, true],
        order: "descending",
        limit: most,
      } as const;
      if (shown !== undefined) return (await scan(partition, unread)).notices.filter(shown).length;
      const { documents } = await store.scan(notices, unread);
      // Where the key is destroyed there is nothing to be read any more.
      return (await dataKeyOf(vault, partition)) === undefined ? 0 : documents.length;
    },
    async markRead(partition, ids, may) {
      for (const id of ids) await markOne(partition, id, may);
    },
    async isClosed(partition) {
      return (await head(partition))?.document.closed ?? false;
    },
    prune: (now) => prune(store, now),
  };
}

async function prune(store: Store, now: number): Promise<boolean> {
  const { notices } = collections;
  const range = { to: now - KEPT_MS };
  const old = await store.scan<NoticeDocument>(notices, {
    index: "by_age",
    equals: [],
    range,
    limit: PRUNED_AT_ONCE,
  });
  for (const { document } of old.documents) {
    const key = [document.partition, document.notice];
    await store.commit({
      partition: document.partition,
      changes: [{ kind: "delete", collection: notices, key }],
    });
  }
  return old.documents.length === PRUNED_AT_ONCE;
}

/** The inbox itself, so that a change of it and its end exclude each other. */
export function touched(partition: string, at: Stored<InboxDocument> | undefined, closed = false): Change {
  const document: InboxDocument = { partition, closed };
  const { inboxes: collection } = collections;
  if (at === undefined) return { kind: "insert", collection, document };
  return { kind: "replace", collection, document, ifRevision: at.revision };
}

/** Throws VaultError `tampered`; nothing where the key was destroyed. */
export async function openNotice(
  vault: Pick<Vault, "key">,
  { partition, notice, sealed }: NoticeDocument,
): Promise<Told | undefined> {
  const key = await dataKeyOf(vault, partition);
  return key && unseal<Told>(key, placeOf(partition, notice), sealed);
}

function placeOf(partition: string, notice: string): Place {
  return [collections.notices, partition, notice];
}
