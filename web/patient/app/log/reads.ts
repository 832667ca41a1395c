import { type Access, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import type { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { msOf } from "../api/time.ts";
import { happeningOf, tellsItems } from "./happening.ts";

/** What one organization read on one day of the patient: one sentence. */
export interface ReadOfDay {
  readonly organization: string;
  /** `2026-11-27`, in the patient's zone. */
  readonly day: string;
  /** UTC milliseconds of the last one. */
  readonly last: number;
  /** How many calls and streams. */
  readonly times: number;
  /** Values or records that were sent. */
  readonly items: number;
  readonly codes: readonly string[];
  readonly purposes: readonly Purpose[];
  /** Whether any of it was without a consent, in an emergency. */
  readonly emergency: boolean;
}

/**
 * What organizations read, by day and organization, the newest first. Reads that were refused, and the patient's own, are left out.
 * A stream counts once, where it ended, also where it was cut after something had been sent; one that is still open counts by its
 * opening. A call whose answer was withheld has a later entry that says so, and counts as nothing.
 */
export function readsByDay(accesses: readonly Access[], dayOf: (ms: number) => string): readonly ReadOfDay[] {
  const closed = new Set(accesses.filter(isEnd).map(({ openedBy }) => openedBy));
  const groups = new Map<string, ReadOfDay>();
  for (const access of accesses) {
    const { kind, doer, outcome } = happeningOf(access);
    const sent = outcome === "done" || (isEnd(access) && access.items > 0);
    if (kind !== "read" || doer !== "organization" || !sent) continue;
    if (!countsOnce(access, closed)) continue;
    const time = msOf(access.time);
    const day = dayOf(time);
    const key = `${day} ${access.organization}`;
    groups.set(key, withRead(groups.get(key), access, { day, time }));
  }
  return [...groups.values()].sort((a, b) => b.last - a.last);
}

const isEnd = ({ phase }: Access): boolean => phase === Access_Phase.CLOSED;

/** Of the entries of a read the end, or the beginning while there is no end among them. */
function countsOnce({ id, phase }: Access, closed: ReadonlySet<string>): boolean {
  if (phase === Access_Phase.CHANGED) return false;
  return !closed.has(id);
}

function withRead(
  before: ReadOfDay | undefined,
  access: Access,
  { day, time }: { readonly day: string; readonly time: number },
): ReadOfDay {
  const { organization, codes, purpose, emergencyAccess, items } = access;
  return {
    organization,
    day,
    last: Math.max(before?.last ?? 0, time),
    times: (before?.times ?? 0) + 1,
    items: (before?.items ?? 0) + (tellsItems(access) ? items : 0),
    codes: [...new Set([...(before?.codes ?? []), ...codes])],
    purposes: [...new Set([...(before?.purposes ?? []), purpose])],
    emergency: (before?.emergency ?? false) || emergencyAccess !== "",
  };
}
