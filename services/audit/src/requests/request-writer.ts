import { type BoundedCache, createBoundedCache } from "@wellapi/runtime";
import { type Change, type Store, StoreError } from "@wellapi/store";
import type { AccessSealing } from "../access-sealing.ts";
import {
  type EndedOfOrganization,
  filled,
  KEPT_MS,
  keptOf,
  MOST_REQUESTS,
  mayGrow,
  PAGE_SIZE,
  type RequestPage,
} from "./request.ts";
import { collection, type PageDocument, partition, type RequestPages } from "./request-pages.ts";

/** Writes the requests of organizations. There is one writer: audit runs once. */
export interface RequestWriter {
  /** Keeps them, and lets go of the oldest beyond what an organization may have. Throws StoreError: then they are kept or not. */
  append(ended: readonly EndedOfOrganization[], now: number): Promise<void>;
  /** Deletes pages that are older than they may be. Throws StoreError. */
  prune(now: number): Promise<void>;
}

interface OpenPage extends RequestPage {
  /** Undefined: nothing is stored yet. */
  readonly revision: number | undefined;
}

interface Growth {
  readonly tag: string;
  readonly last: OpenPage;
  readonly pages: readonly RequestPage[];
}

/** Organizations whose last page is remembered, so that it is not read and opened at each batch. */
const OPEN_PAGES = 500;
const PRUNED_AT_ONCE = 1_000;

export function createRequestWriter(deps: {
  readonly store: Store;
  readonly pages: RequestPages;
  readonly sealing: Pick<AccessSealing, "tagOf">;
}): RequestWriter {
  const { store, pages, sealing } = deps;
  const openPages: BoundedCache<OpenPage> = createBoundedCache({
    name: "request_pages",
    capacity: OPEN_PAGES,
  });
  let writing: Promise<unknown> = Promise.resolve();

  async function storedLast(tag: string): Promise<OpenPage | undefined> {
    const [last] = (await pages.scan(tag, { order: "descending", limit: 1 })).documents;
    if (last === undefined) return undefined;
    const { first } = last.document;
    // One that does not open is left alone, and never filled further.
    return { ...(pages.opened(last) ?? freshPage(first + PAGE_SIZE)), revision: last.revision };
  }

  /** The page that goes on. */
  async function lastPage(tag: string, now: number): Promise<OpenPage> {
    const last = openPages.get(tag) ?? (await storedLast(tag));
    if (last === undefined) return freshPage(1);
    if (last.requests.length === 0) return freshPage(last.first);
    return mayGrow(last, now) ? last : freshPage(last.first + PAGE_SIZE);
  }

  function changesOf({ tag, last, pages: grown }: Growth, now: number): Change[] {
    return grown.flatMap((page): Change[] => {
      const document = pages.document(tag, page, now);
      if (page.first === last.first && last.revision !== undefined)
        return [{ kind: "replace", collection, document, ifRevision: last.revision }];
      const oldest = page.first - MOST_REQUESTS;
      const insert: Change = { kind: "insert", collection, document };
      return oldest < 1 ? [insert] : [insert, { kind: "delete", collection, key: [partition, tag, oldest] }];
    });
  }

  async function appendNow(ended: readonly EndedOfOrganization[], now: number): Promise<void> {
    const growths: Growth[] = [];
    for (const one of ended) {
      const tag = sealing.tagOf(one.organization);
      const last = await lastPage(tag, now);
      growths.push({ tag, last, pages: filled(last, keptOf(one)) });
      openPages.delete(tag); // Until it is known to be stored.
    }
    const changes = growths.flatMap((growth) => changesOf(growth, now));
    const result = await store.commit({ partition, changes });
    // Somebody else writes, as while one audit takes over from another: the store is asked at the next batch.
    if (!result.committed) throw new StoreError("unavailable", "another process keeps requests");
    for (const { tag, last, pages: grown } of growths) {
      const latest = grown.at(-1)!;
      const revision = latest.first === last.first && last.revision !== undefined ? last.revision + 1 : 1;
      openPages.set(tag, { ...latest, revision });
    }
  }

  async function pruneNow(now: number): Promise<void> {
    for (;;) {
      const { documents } = await store.scan<PageDocument>(collection, {
        index: "by_time",
        equals: [partition],
        range: { to: now - KEPT_MS },
        limit: PRUNED_AT_ONCE,
      });
      if (documents.length === 0) return;
      for (const { document } of documents) openPages.delete(document.organization);
      const changes = documents.map(({ document: { organization, first } }): Change => {
        return { kind: "delete", collection, key: [partition, organization, first] };
      });
      await store.commit({ partition, changes });
      if (documents.length < PRUNED_AT_ONCE) return;
    }
  }

  /** One at a time: each goes on from what the one before has left. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const done = writing.then(work);
    writing = done.catch(() => {});
    return done;
  }

  return {
    append: (ended, now) => inTurn(() => appendNow(ended, now)),
    prune: (now) => inTurn(() => pruneNow(now)),
  };
}

function freshPage(first: number): OpenPage {
  return { first, requests: [], revision: undefined };
}
