import type { IncomingLeaf } from "../access.ts";

/** What one entry adds to the usage of its organization. */
export interface Counted {
  readonly organization: string;
  /** UTC days since 1970. */
  readonly day: number;
  /** Empty: the organization's people. */
  readonly application: string;
  readonly method: string;
  readonly accesses: number;
  readonly items: number;
  /** Of a refusal; it may be empty. Undefined: it was permitted. */
  readonly refusal: string | undefined;
}

/** What one application, or the people together, called of one RPC on one day. */
export interface UsageRow {
  readonly application: string;
  readonly method: string;
  readonly accesses: number;
  readonly items: number;
  /** Refused accesses by reason; `""` holds those without one, and of every reason beyond `MOST_REASONS`. */
  readonly refusals: Readonly<Record<string, number>>;
}

const DAY_MS = 86_400_000;
/** A day's reasons of one RPC: services have a closed set, and a row must not grow without end. */
const MOST_REASONS = 50;

export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS);
}

/** UTC milliseconds of the day's beginning. */
export function dayStart(day: number): number {
  return day * DAY_MS;
}

/**
 * Undefined where nobody's usage grows. A stream counts as an access when it opens, and its items when it ends. The door writes one entry
 * for the refused calls of a minute, and says in its items how many they are.
 */
export function countedOf({ organization, timeMs, call }: IncomingLeaf): Counted | undefined {
  if (organization === undefined) return undefined;
  const { application, method, phase, permitted, reason, items } = call;
  const base = { organization, day: dayOf(timeMs), application, method };
  if (phase === "changed" || phase === "closed") {
    return items === 0 ? undefined : { ...base, accesses: 0, items, refusal: undefined };
  }
  if (permitted) return { ...base, accesses: 1, items, refusal: undefined };
  return { ...base, accesses: Math.max(1, items), items: 0, refusal: reason };
}

/** The row with one entry more. */
export function addCounted(row: UsageRow | undefined, counted: Counted): UsageRow {
  const { application, method, accesses, items, refusal } = counted;
  const before = row ?? { application, method, accesses: 0, items: 0, refusals: {} };
  return {
    ...before,
    accesses: before.accesses + accesses,
    items: before.items + items,
    refusals: refusal === undefined ? before.refusals : withRefusal(before.refusals, refusal, accesses),
  };
}

function withRefusal(refusals: UsageRow["refusals"], reason: string, accesses: number) {
  const full = !Object.hasOwn(refusals, reason) && Object.keys(refusals).length >= MOST_REASONS;
  const key = full ? "" : reason;
  return { ...refusals, [key]: (Object.hasOwn(refusals, key) ? refusals[key]! : 0) + accesses };
}
