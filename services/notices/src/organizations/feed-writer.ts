import { encodeId } from "@wellapi/runtime";
import { type Change, type Store, type Stored, scanPages } from "@wellapi/store";
import type { PatientKey, Vault } from "@wellapi/vault";
import { noticesError } from "../errors.ts";
import { type Course, LISTED_MS, type Step, type Subject } from "./event.ts";
import {
  auditKeyOf,
  type EventDocument,
  type FeedDocument,
  feedOf,
  feeds,
  feedTimers,
  organizationEvents,
  sealEvent,
  type TagOf,
  type TimerDocument,
} from "./feed-documents.ts";

/** Writes what organizations are told. Throws StoreError, VaultError. */
export interface FeedWriter {
  /**
   * Adds what is not there yet of what became of a consent, a request or an obligation, and sets or ends its timer, in one commit. Resolves to
   * whether there are new events. Throws `unavailable` where others are faster all the time.
   */
  follow(patient: string, subject: Subject, course: Course, now: number): Promise<boolean>;
  /** Oldest first, at most `limit`. */
  dueTimers(now: number, limit: number): Promise<ReadonlyArray<Stored<TimerDocument>>>;
  /** All timers of one feed, in no order. */
  timersOf(feed: string): AsyncIterable<Stored<TimerDocument>>;
  /** Removes a timer of what is not there any more; another's change of it wins. */
  endTimer(timer: Stored<TimerDocument>): Promise<void>;
}

interface Deps {
  readonly store: Store;
  readonly vault: Pick<Vault, "key">;
  readonly tagOf: TagOf;
}

const ATTEMPTS = 10;

export function createFeedWriter(deps: Deps): FeedWriter {
  const { store, vault, tagOf } = deps;

  async function followOnce(
    patient: string,
    subject: Subject,
    { organization, steps, due }: Course,
    now: number,
  ): Promise<"new" | "known" | "conflict"> {
    const feed = feedOf(tagOf, organization);
    const at = await store.get<FeedDocument>(feeds.name, [feed]);
    const [added, timer] = await Promise.all([
      freshSteps(deps, feed, steps, now),
      timerChanges(deps, { feed, patient, subject }, due),
    ]);
    if (added.length === 0 && timer.length === 0) return "known";
    const key = added.length === 0 ? undefined : await auditKeyOf(vault, patient);
    if (key === undefined && added.length > 0) return "known";
    const time = Math.max(now, at?.document.time ?? 0);
    const place = { feed, patient, time, from: at?.document.sequence ?? 0 };
    const events = key === undefined ? [] : eventsOf(tagOf, key, place, added);
    const last = events.at(-1);
    const heading = last === undefined ? [] : [headed(at, last)];
    const changes = [...timer, ...heading, ...events.map(inserted)];
    if (!(await store.commit({ partition: feed, changes })).committed) return "conflict";
    return events.length > 0 ? "new" : "known";
  }

  return {
    async follow(patient, subject, course, now) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const outcome = await followOnce(patient, subject, course, now);
        if (outcome !== "conflict") return outcome === "new";
      }
      throw noticesError("unavailable");
    },
    async dueTimers(now, limit) {
      const range = { to: now + 1 };
      const due = { index: "due", equals: [], range, limit };
      return (await store.scan<TimerDocument>(feedTimers.name, due)).documents;
    },
    async *timersOf(feed) {
      const own = { equals: [feed], limit: 500 } as const;
      for await (const { documents } of scanPages<TimerDocument>(store, feedTimers.name, own))
        yield* documents;
    },
    async endTimer({ document: { partition, subject }, revision }) {
      const key = [partition, subject];
      const change = { kind: "delete", collection: feedTimers.name, key, ifRevision: revision } as const;
      await store.commit({ partition, changes: [change] });
    },
  };
}

/** The steps that are no events yet and are young enough to become some. */
async function freshSteps(
  { store, tagOf }: Pick<Deps, "store" | "tagOf">,
  feed: string,
  steps: readonly Step[],
  now: number,
): Promise<readonly Step[]> {
  const young = steps.filter(({ time }) => time > now - LISTED_MS);
  const reached = new Map<string, number>();
  for (const line of new Set(young.map((step) => step.line))) {
    const { documents } = await store.scan<EventDocument>(organizationEvents.name, {
      index: "by_line",
      equals: [feed, tagOf(line)],
      order: "descending",
      limit: 1,
    });
    reached.set(line, documents[0]?.document.rank ?? 0);
  }
  return young.filter(({ line, rank }) => rank > reached.get(line)!);
}

function eventsOf(
  tagOf: TagOf,
  key: PatientKey,
  {
    feed,
    patient,
    time,
    from,
  }: Readonly<Record<"feed" | "patient", string> & Record<"time" | "from", number>>,
  steps: readonly Step[],
): readonly EventDocument[] {
  return steps.map((step, i) => {
    const line = tagOf(step.line);
    const mac = Buffer.from(tagOf(`event ${JSON.stringify([feed, line, step.rank])}`), "base64url");
    const at = { partition: feed, event: `evt_${encodeId(mac.subarray(0, 16))}` };
    const sealed = sealEvent(key, at, step);
    return { ...at, sequence: from + 1 + i, patient, line, rank: step.rank, create_time: time, sealed };
  });
}

async function timerChanges(
  { store, tagOf }: Pick<Deps, "store" | "tagOf">,
  place: { readonly feed: string; readonly patient: string; readonly subject: Subject },
  due: number | undefined,
): Promise<readonly Change[]> {
  const { name: collection } = feedTimers;
  const { feed: partition, patient } = place;
  const { consent, consentRequest, deletionObligation, rightsRequest } = place.subject;
  const subject = tagOf(`timer ${consent ?? consentRequest ?? deletionObligation ?? rightsRequest}`);
  const known = await store.get<TimerDocument>(collection, [partition, subject]);
  if (due === undefined) {
    if (known === undefined) return [];
    return [{ kind: "delete", collection, key: [partition, subject], ifRevision: known.revision }];
  }
  if (known?.document.due_time === due) return [];
  const document: TimerDocument = {
    partition,
    subject,
    patient,
    ...(consent !== undefined && { consent }),
    ...(consentRequest !== undefined && { consent_request: consentRequest }),
    ...(deletionObligation !== undefined && { deletion_obligation: deletionObligation }),
    ...(rightsRequest !== undefined && { rights_request: rightsRequest }),
    due_time: due,
  };
  if (known === undefined) return [{ kind: "insert", collection, document }];
  return [{ kind: "replace", collection, document, ifRevision: known.revision }];
}

function headed(at: Stored<FeedDocument> | undefined, last: EventDocument): Change {
  const { partition, sequence, event, create_time: time } = last;
  const document: FeedDocument = { partition, sequence, event, time };
  const { name: collection } = feeds;
  if (at === undefined) return { kind: "insert", collection, document };
  return { kind: "replace", collection, document, ifRevision: at.revision };
}

function inserted(document: EventDocument): Change {
  return { kind: "insert", collection: organizationEvents.name, document };
}
