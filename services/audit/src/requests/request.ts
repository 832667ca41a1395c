import type { Interval } from "../access.ts";

/** A request as a door saw it end: no value, no patient, no person. */
export interface EndedRequest {
  /** UTC milliseconds of its beginning. */
  readonly startTime: number;
  readonly durationMs: number;
  /** Empty: a person. */
  readonly application: string;
  /** Empty: a person's session. */
  readonly credential: string;
  readonly method: string;
  readonly protocol: string;
  readonly status: string;
  /** Empty: it succeeded. */
  readonly reason: string;
  readonly requestId: string;
  /** Empty: none. */
  readonly traceId: string;
}

/** A request as it is kept. */
export interface KeptRequest extends EndedRequest {
  /** How many others ended at about this time and are not kept. */
  readonly omitted: number;
}

/** A kept request with its place among those of its organization; it grows, and numbers may be left out. */
export interface LoggedRequest extends KeptRequest {
  readonly position: number;
}

/** What ended of one organization. */
export interface EndedOfOrganization {
  readonly organization: string;
  readonly requests: readonly EndedRequest[];
  readonly omitted: number;
}

/** Empty fields exclude nothing. */
export interface RequestFilter {
  readonly application: string;
  readonly method: string;
  readonly reason: string;
  readonly requestId: string;
  readonly failed: boolean;
  readonly interval: Interval;
}

/** How long a page is kept after its last change: milliseconds. With the day that it may grow, a request is kept for seven days at most. */
export const KEPT_MS = 6 * 86_400_000;
/** How long a page may grow: milliseconds. */
const PAGE_MS = 86_400_000;
/** Requests of one page as stored, so that 200 pages are the 10,000 that an organization has at most. */
export const PAGE_SIZE = 50;
export const MOST_REQUESTS = 10_000;

export function isWanted(request: EndedRequest, filter: RequestFilter): boolean {
  const { application, method, reason, requestId, failed, interval } = filter;
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = interval;
  return (
    (application === "" || request.application === application) &&
    (method === "" || request.method === method || request.method.endsWith(`.${method}`)) &&
    (reason === "" || request.reason === reason) &&
    (requestId === "" || request.requestId === requestId) &&
    (!failed || request.reason !== "") &&
    request.startTime >= from &&
    request.startTime < to
  );
}

/** Some requests of an organization that follow one another; the first has a position of one more than a multiple of `PAGE_SIZE`. */
export interface RequestPage {
  readonly first: number;
  readonly requests: readonly KeptRequest[];
}

/** What is omitted is told with the last of them, around which it ended. */
export function keptOf({ requests, omitted }: EndedOfOrganization): readonly KeptRequest[] {
  return requests.map((request, i) => ({ ...request, omitted: i === requests.length - 1 ? omitted : 0 }));
}

/** Whether another request belongs into the page. */
export function mayGrow({ requests }: RequestPage, now: number): boolean {
  const [oldest] = requests;
  return requests.length < PAGE_SIZE && (oldest === undefined || oldest.startTime > now - PAGE_MS);
}

/** The page with as many of these as there is room for, and then pages of what is left. */
export function filled(page: RequestPage, more: readonly KeptRequest[]): readonly RequestPage[] {
  const requests = [...page.requests, ...more];
  const pages: RequestPage[] = [];
  for (let at = 0; at < requests.length; at += PAGE_SIZE) {
    pages.push({ first: page.first + at, requests: requests.slice(at, at + PAGE_SIZE) });
  }
  return pages;
}

/** The first position of the page that holds this one. */
export function pageStart(position: number): number {
  return position - ((position - 1) % PAGE_SIZE);
}

export function located({ first, requests }: RequestPage): readonly LoggedRequest[] {
  return requests.map((request, i) => ({ ...request, position: first + i }));
}
