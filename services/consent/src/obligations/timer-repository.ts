import type { Change, Store, Stored } from "@wellapi/store";
import type { Consent } from "../consent.ts";
import { endTimeOf } from "./obligation.ts";
import { deletionTimers, type TimerDocument } from "./obligation-documents.ts";

/** After the end of a consent: reads that were under way have left their entries by then, as a rule. */
const firstLookMs = 5_000;

const { name: collection } = deletionTimers;

/**
 * For the commit of a version of a consent: the timer of its end. Those of earlier versions stay, and do nothing when they are due: a
 * revocation must not have to look for them first.
 */
export function newTimer(partition: string, consent: Consent): readonly Change[] {
  const due = lookTimeOf(consent);
  if (due === undefined) return [];
  const { id, version } = consent;
  const document: TimerDocument = { partition, consent: id, version, due_time: due, looks: 0 };
  return [{ kind: "insert", collection, document }];
}

/** When the log is asked for the first time; undefined: the consent has no end. */
function lookTimeOf(consent: Consent): number | undefined {
  const end = endTimeOf(consent);
  return end === undefined ? undefined : end + firstLookMs;
}

/** Timers that are due, oldest first. Throws StoreError. */
export async function dueTimers(
  store: Store,
  now: number,
  limit: number,
): Promise<readonly Stored<TimerDocument>[]> {
  const scan = { index: "due", equals: [], range: { to: now + 1 }, limit } as const;
  return (await store.scan<TimerDocument>(collection, scan)).documents;
}

/** Refused as a conflict where it changed since it was read. `due` undefined: it is over. */
export function movedTimer(
  { document, revision }: Stored<TimerDocument>,
  due: number | undefined,
  looks = document.looks,
): Change {
  const { partition, consent, version } = document;
  if (due === undefined) {
    return { kind: "delete", collection, key: [partition, consent, version], ifRevision: revision };
  }
  const moved: TimerDocument = { ...document, due_time: due, looks };
  return { kind: "replace", collection, document: moved, ifRevision: revision };
}
