import { type Author, isHidden, type Terms } from "../consent.ts";

/** Domain types and rules of requests for consent. Times are UTC milliseconds. */

const DAY = 86_400_000;
/** The longest that a request waits. */
export const mostWaitingMs = 30 * DAY;
/** The longest that a request asks for: three years, of which one may be a leap year. */
export const mostAskedMs = 1_096 * DAY;
/** Requests of one organization to one patient that wait at a time. */
export const mostOpen = 3;
/** Requests of one organization to one patient within `recentMs`, whatever became of them: each is told to the patient. */
export const mostRecent = 10;
export const recentMs = 30 * DAY;
/** For so long what a patient refused is not asked again. */
export const pauseMs = 14 * DAY;

/** How a request was decided. */
export type Decision = { readonly time: number; readonly by: Author } & (
  | {
      readonly state: "accepted";
      /** The version of a consent that it brought about. */
      readonly consent: string;
      readonly version: number;
      /** A digest of what the patient chose, to recognise a repeated acceptance. */
      readonly choice: string;
      /** Whether it took something away that the consent which it continues permitted. */
      readonly narrows: boolean;
    }
  | { readonly state: "refused" | "withdrawn" }
);

/** What an organization asks a patient for. */
export interface ConsentRequest {
  /** `crq_...` */
  readonly id: string;
  /** Who asked for the organization. */
  readonly requester: Author;
  /** Permissions alone; the grantee is the organization that asks, and the validity has an end. */
  readonly terms: Terms;
  readonly why: string;
  /** BCP 47; empty: not said. */
  readonly language: string;
  /** The version of a consent that it renews or amends. */
  readonly continues?: {
    readonly consent: string;
    readonly version: number;
    /** The names of the categories of that version. Absent in what was stored before they were kept: they are not known. */
    readonly categories?: readonly string[];
  };
  readonly createTime: number;
  readonly expireTime: number;
  readonly decision?: Decision;
}

export const states = ["open", "accepted", "refused", "withdrawn", "lapsed"] as const;
export type RequestState = (typeof states)[number];

export function stateOf({ decision, expireTime }: ConsentRequest, now: number): RequestState {
  if (decision !== undefined) return decision.state;
  return now < expireTime ? "open" : "lapsed";
}

/**
 * As `isHidden`: because of what is asked for, or because of the consent that it continues, which accepting would change. Hidden, too,
 * where it is not known what that consent was about.
 */
export function isHiddenRequest(
  { terms, continues }: Pick<ConsentRequest, "terms" | "continues">,
  hides: readonly string[] = [],
): boolean {
  if (hides.length === 0) return false;
  if (isHidden(terms, hides)) return true;
  return continues !== undefined && (continues.categories?.some((name) => hides.includes(name)) ?? true);
}

/** What an organization has asked a patient lately: one document of both, so that two requests at once count each. */
export interface Asking {
  /** When it asked, within `recentMs`, oldest first. */
  readonly times: readonly number[];
  readonly open: ReadonlyArray<{ readonly request: string; readonly expireTime: number }>;
  /** Within `pauseMs`. */
  readonly refused: ReadonlyArray<{ readonly request: string; readonly time: number }>;
}

export const nothingAsked: Asking = { times: [], open: [], refused: [] };

/** Without what counts no more. */
export function lately({ times, open, refused }: Asking, now: number): Asking {
  return {
    times: times.filter((time) => time > now - recentMs),
    open: open.filter(({ expireTime }) => now < expireTime),
    refused: refused.filter(({ time }) => time > now - pauseMs),
  };
}

/** Why the organization may not ask the patient now, and from when it may; undefined where it may. */
export function lackOfPatience({
  times,
  open,
}: Asking): { readonly what: string; readonly until: number } | undefined {
  if (open.length >= mostOpen) {
    const what = `${mostOpen} requests of yours wait for this patient: withdraw one, or wait`;
    return { what, until: Math.min(...open.map(({ expireTime }) => expireTime)) };
  }
  const oldest = times[times.length - mostRecent];
  if (oldest === undefined) return undefined;
  const what = `you have asked this patient ${mostRecent} times within 30 days: wait`;
  return { what, until: oldest + recentMs };
}

export function withAsked(asking: Asking, { id, createTime, expireTime }: ConsentRequest): Asking {
  return {
    ...asking,
    times: [...asking.times, createTime],
    open: [...asking.open, { request: id, expireTime }],
  };
}

export function withDecided(asking: Asking, { id, decision }: ConsentRequest): Asking {
  const open = asking.open.filter(({ request }) => request !== id);
  if (decision?.state !== "refused") return { ...asking, open };
  return { ...asking, open, refused: [...asking.refused, { request: id, time: decision.time }] };
}
