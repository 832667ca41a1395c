import type { Stored } from "@wellapi/store";
import type { AccessSealing } from "../access-sealing.ts";
import {
  isWanted,
  KEPT_MS,
  type LoggedRequest,
  located,
  PAGE_SIZE,
  pageStart,
  type RequestFilter,
} from "./request.ts";
import type { PageDocument, RequestPages } from "./request-pages.ts";

export interface RequestQuery {
  readonly filter: RequestFilter;
  /** Most requests of the answer. */
  readonly limit: number;
  readonly now: number;
}

/** Reads the requests of one organization. Everything throws StoreError. */
export interface RequestReader {
  /** Wanted ones before the position, the newest first. `next`: go on before it; undefined at the end. */
  before(
    organization: string,
    position: number | undefined,
    query: RequestQuery,
  ): Promise<{ readonly requests: readonly LoggedRequest[]; readonly next: number | undefined }>;
  /** Wanted ones behind the position, the oldest first. `reached`: how far was looked; `more`: that is not the end. */
  after(
    organization: string,
    position: number,
    query: RequestQuery,
  ): Promise<{
    readonly requests: readonly LoggedRequest[];
    readonly reached: number;
    readonly more: boolean;
  }>;
  /** Position of the newest; 0: there are none. */
  newest(organization: string): Promise<number>;
}

/** Pages read at once: some 200 KB. */
const PAGES_AT_ONCE = 20;

export function createRequestReader(deps: {
  readonly pages: RequestPages;
  readonly sealing: Pick<AccessSealing, "tagOf">;
}): RequestReader {
  const { pages, sealing } = deps;

  function requestsOf(stored: Stored<PageDocument>, now: number): readonly LoggedRequest[] {
    // Otherwise it waits for the next pruning only.
    const page = stored.document.time < now - KEPT_MS ? undefined : pages.opened(stored);
    return page === undefined ? [] : located(page);
  }

  /** All before the position, the newest first. */
  async function* backwards(tag: string, position: number | undefined, now: number) {
    let cursor: string | undefined;
    do {
      const page = await pages.scan(tag, {
        order: "descending",
        limit: PAGES_AT_ONCE,
        ...(position !== undefined && { range: { to: position } }),
        ...(cursor !== undefined && { cursor }),
      });
      for (const stored of page.documents) {
        for (const one of requestsOf(stored, now).toReversed())
          if (position === undefined || one.position < position) yield one;
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  return {
    async before(organization, position, { filter, limit, now }) {
      const requests: LoggedRequest[] = [];
      for await (const one of backwards(sealing.tagOf(organization), position, now)) {
        if (!isWanted(one, filter)) continue;
        if (requests.length === limit) return { requests, next: requests.at(-1)!.position };
        requests.push(one);
      }
      return { requests, next: undefined };
    },
    async after(organization, position, { filter, limit, now }) {
      const range = { from: pageStart(position + 1) };
      const page = await pages.scan(sealing.tagOf(organization), { limit: PAGES_AT_ONCE, range });
      const requests: LoggedRequest[] = [];
      let reached = position;
      for (const stored of page.documents) {
        const some = requestsOf(stored, now);
        // Nothing of it is told any more, and none is added to it: whoever waited there would ask for it for ever.
        if (some.length === 0) reached = Math.max(reached, stored.document.first + PAGE_SIZE - 1);
        for (const one of some) {
          if (one.position <= position) continue;
          if (requests.length === limit) return { requests, reached, more: true };
          reached = one.position;
          if (isWanted(one, filter)) requests.push(one);
        }
      }
      return { requests, reached, more: page.cursor !== undefined };
    },
    async newest(organization) {
      const [last] = (await pages.scan(sealing.tagOf(organization), { order: "descending", limit: 1 }))
        .documents;
      if (last === undefined) return 0;
      return last.document.first - 1 + (pages.opened(last)?.requests.length ?? PAGE_SIZE);
    },
  };
}
