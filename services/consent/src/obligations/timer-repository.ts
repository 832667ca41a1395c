import { type Change, type Store, type Stored, scanPages } from "@wellapi/store";
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
export function newTimer(
  partition: string,
  consent: Consent,
  aheadOf: (organization: string) => number,
): readonly Change[] {
  const due = lookTimeOf(consent, aheadOf);
  if (due === undefined) return [];
  const { id, version } = consent;
  const document: TimerDocument = { partition, consent: id, version, due_time: due, looks: 0 };
  return [{ kind: "insert", collection, document }];
}

/** When the log is asked for the first time, by the true time; undefined: the consent has no end. Only an end that was agreed is the grantee's time. */
function lookTimeOf(consent: Consent, aheadOf: (organization: string) => number): number | undefined {
  const end = endTimeOf(consent);
  if (end === undefined) return undefined;
  const ahead = consent.revokeTime === undefined ? aheadOf(consent.terms.grantee) : 0;
  return end - ahead + firstLookMs;
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

/** Timers of ends that are not due yet, soonest first. The second look is for what the log got late, by the true time, and not among them. */
export async function* waitingTimers(store: Store, now: number): AsyncGenerator<Stored<TimerDocument>> {
  const waiting = { index: "due", equals: [], range: { from: now }, limit: 500 } as const;
  for await (const { documents } of scanPages<TimerDocument>(store, collection, waiting)) {
    yield* documents.filter(({ document }) => document.looks === 0);
  }
}

/** Puts the timer forward where its consent ends sooner, because its grantee's clock was moved; undefined: it stays. */
export function forwardedTimer(
  timer: Stored<TimerDocument>,
  consent: Consent,
  aheadOf: (organization: string) => number,
): Change | undefined {
  const due = lookTimeOf(consent, aheadOf);
  return due !== undefined && due < timer.document.due_time ? movedTimer(timer, due) : undefined;
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
