import { formatJson } from "./canonical.ts";
import { type FhirObject, type FhirResource, type FhirValue, isObject } from "./resource.ts";

/** Addresses of the pages of a search or history; `self` says what was searched for, as it was understood. */
export interface BundleLinks {
  readonly self: string;
  readonly first?: string;
  readonly previous?: string;
  readonly next?: string;
  readonly last?: string;
}

export interface SearchEntry {
  /** The absolute address of the resource. An outcome has none. */
  readonly fullUrl?: string;
  readonly resource: FhirResource;
  /** `match`: found; `include`: named by what was found; `outcome`: says something about the search. */
  readonly mode: "match" | "include" | "outcome";
  /** The resource's JSON, where it is written already: `formatSearchSet` takes it as it stands, and does not look at `resource`. */
  readonly text?: string | undefined;
}

/** A page of a search. @param total how many match in all pages; left out where it is not told */
export function searchSet(links: BundleLinks, entries: readonly SearchEntry[], total?: number): FhirResource {
  return bundle(
    "searchset",
    {
      ...(total === undefined ? {} : { total }),
      link: linksOf(links),
    },
    entries.map(({ fullUrl, resource, mode }) => ({
      ...(fullUrl === undefined ? {} : { fullUrl }),
      resource,
      search: { mode },
    })),
  );
}

/** The JSON of `searchSet(links, entries)`, in canonical form but for what `text` holds. Throws as `formatJson` does. */
export function formatSearchSet(links: BundleLinks, entries: readonly SearchEntry[]): string {
  const head = formatJson(searchSet(links, []));
  if (entries.length === 0) return head;
  const written = entries.map((entry) => {
    const { fullUrl, mode, text } = entry;
    const url = fullUrl === undefined ? "" : `"fullUrl":${JSON.stringify(fullUrl)},`;
    return `{${url}"resource":${text ?? formatJson(entry.resource)},"search":{"mode":"${mode}"}}`;
  });
  return `${head.slice(0, -1)},"entry":[${written.join(",")}]}`;
}

/** The answer to one request of a batch or transaction, or one version of a history. */
export interface ResponseEntry {
  readonly fullUrl?: string;
  readonly resource?: FhirResource;
  /** An HTTP status: `201`, `404 Not Found`. */
  readonly status: string;
  /** Of what was created: `Observation/23/_history/1`. */
  readonly location?: string;
  /** As in HTTP: `W/"1"`. */
  readonly etag?: string;
  /** An instant. */
  readonly lastModified?: string;
  readonly outcome?: FhirResource;
}

/** The answers to a batch or a transaction, in the order of its requests. */
export function responseBundle(
  type: "batch-response" | "transaction-response",
  entries: readonly ResponseEntry[],
): FhirResource {
  return bundle(type, {}, entries.map(responseEntry));
}

export interface HistoryEntry extends ResponseEntry {
  readonly fullUrl: string;
  /** What made the version. */
  readonly request: { readonly method: "POST" | "PUT" | "DELETE"; readonly url: string };
}

/** A page of a history, the newest version first. */
export function historyBundle(
  links: BundleLinks,
  entries: readonly HistoryEntry[],
  total?: number,
): FhirResource {
  return bundle(
    "history",
    { ...(total === undefined ? {} : { total }), link: linksOf(links) },
    entries.map((entry) => {
      const { response, ...rest } = responseEntry(entry);
      const { method, url } = entry.request;
      return { ...rest, request: { method, url }, response };
    }),
  );
}

export type RequestMethod = "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH";

/** One request of a batch or transaction. */
export interface BundleRequest {
  /** Of the entry in the Bundle, from 0. */
  readonly index: number;
  /** How other entries refer to what this one makes: `urn:uuid:…`. */
  readonly fullUrl: string | undefined;
  readonly method: RequestMethod;
  /** `Observation`, `Observation/23`, `Observation?code=…`. */
  readonly url: string;
  readonly ifNoneExist: string | undefined;
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly resource: FhirResource | undefined;
}

/** The requests of a valid Bundle of type batch or transaction, in its order. */
export function bundleRequests(batch: FhirResource): readonly BundleRequest[] {
  const entries = Array.isArray(batch.entry) ? batch.entry.filter(isObject) : [];
  return entries.map((entry, index) => {
    const request = isObject(entry.request) ? entry.request : {};
    return {
      index,
      fullUrl: textOf(entry.fullUrl),
      method: textOf(request.method) as RequestMethod,
      url: textOf(request.url)!,
      ifNoneExist: textOf(request.ifNoneExist),
      ifMatch: textOf(request.ifMatch),
      ifNoneMatch: textOf(request.ifNoneMatch),
      resource: isObject(entry.resource) ? (entry.resource as FhirResource) : undefined,
    };
  });
}

function bundle(type: string, head: FhirObject, entry: readonly FhirObject[]): FhirResource {
  return { resourceType: "Bundle", type, ...head, ...(entry.length > 0 ? { entry } : {}) };
}

function responseEntry({ fullUrl, resource, status, location, etag, lastModified, outcome }: ResponseEntry) {
  return {
    ...(fullUrl === undefined ? {} : { fullUrl }),
    ...(resource === undefined ? {} : { resource }),
    response: {
      status,
      ...(location === undefined ? {} : { location }),
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { lastModified }),
      ...(outcome === undefined ? {} : { outcome }),
    },
  };
}

function linksOf(links: BundleLinks): FhirObject[] {
  return (["self", "first", "previous", "next", "last"] as const).flatMap((relation) => {
    const url = links[relation];
    return url === undefined ? [] : [{ relation, url }];
  });
}

function textOf(value: FhirValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
