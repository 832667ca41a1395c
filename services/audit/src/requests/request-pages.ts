import { AccessLogError, type LeafSealer } from "@wellapi/access-log";
import type { DamageReporter } from "@wellapi/runtime";
import type { CollectionDeclaration, Document, Page, Scan, Store, Stored } from "@wellapi/store";
import type { KeptRequest, RequestPage } from "./request.ts";

/**
 * Sealed, and found by the organization's tag alone, as usage is: an application's id beside the tag would tell whose tag it is, and so
 * who accessed whose data.
 */
export type PageDocument = Document & {
  /** Tag of the organization (access-sealing.ts). */
  readonly organization: string;
  /** Position of the first request. */
  readonly first: number;
  /** UTC milliseconds of the last change, by which pages are deleted. */
  readonly time: number;
  readonly sealed: Uint8Array;
};

export const requestsCollection: CollectionDeclaration = {
  name: "requests",
  key: ["partition", "organization", "first"],
  indexes: [{ name: "by_time", fields: ["partition", "time"] }],
};

export const partition = "requests";
export const { name: collection } = requestsCollection;

/** Pages as they are stored, and what they hold. */
export interface RequestPages {
  document(tag: string, page: RequestPage, now: number): PageDocument;
  /** Undefined where it does not open, which is reported: what is kept for a few days is not worth a refusal. */
  opened(stored: Stored<PageDocument>): RequestPage | undefined;
  /** By their first positions. Throws StoreError. */
  scan(tag: string, rest: Omit<Scan, "equals" | "index">): Promise<Page<PageDocument>>;
}

export function createRequestPages(deps: {
  readonly store: Pick<Store, "scan">;
  readonly sealer: LeafSealer;
  readonly damage: DamageReporter;
}): RequestPages {
  const { store, sealer, damage } = deps;
  return {
    document(tag, { first, requests }, now) {
      const sealed = sealer.seal(PLACE, idOf(tag, first), Buffer.from(JSON.stringify(requests)));
      return { partition, organization: tag, first, time: now, sealed };
    },
    opened({ document }) {
      const { organization, first } = document;
      try {
        return { first, requests: requestsIn(sealer, document) };
      } catch (cause) {
        if (!isDamaged(cause)) throw cause;
        const key = [partition, organization, String(first)];
        damage.report({ collection, document: key, what: "a page of requests does not open" }, cause);
        return undefined;
      }
    },
    scan: (tag, rest) => store.scan<PageDocument>(collection, { equals: [partition, tag], ...rest }),
  };
}

/** Whether the page opens: for the checks of the store. */
export function isWholePage(sealer: LeafSealer, document: Document): boolean {
  try {
    requestsIn(sealer, document as PageDocument);
    return true;
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return false;
  }
}

/** Place of the sealer. */
const PLACE = "requests";

function idOf(tag: string, first: number): string {
  return JSON.stringify([tag, first]);
}

function requestsIn(
  sealer: LeafSealer,
  { organization, first, sealed }: PageDocument,
): readonly KeptRequest[] {
  return JSON.parse(Buffer.from(sealer.open(PLACE, idOf(organization, first), sealed)).toString());
}

function isDamaged(error: unknown): boolean {
  return error instanceof AccessLogError && error.code === "tampered";
}
