import { notedCalls, type Topic } from "@wellapi/access-log";
import { type BoundedCache, createBoundedCache } from "@wellapi/runtime";

/** What of an access decides whether its patient may want to know of it. */
export interface Notable {
  readonly id: string;
  readonly partition: string;
  /** The actor's; undefined where it has none. */
  readonly organization: string | undefined;
  /** UTC milliseconds. */
  readonly timeMs: number;
  readonly method: string;
  readonly phase: "call" | "opened" | "changed" | "closed";
  readonly permitted: boolean;
}

/** An access to be told of. */
export interface NotedAccess {
  readonly partition: string;
  readonly access: string;
  readonly timeMs: number;
  /** Of a read: at least so many by the organization in this hour; else 0. */
  readonly reads: number;
  /** Of what is told once: the same for the accesses that tell the same. */
  readonly sameAs: string;
}

/** Undefined: the patient need not know. */
export function topicOf({ method, phase, permitted, organization }: Notable): Topic | undefined {
  const topic = notedCalls.get(method);
  if (!permitted || topic === undefined || phase === "changed") return undefined;
  if (topic === "erasure") return phase === "closed" ? topic : undefined;
  if (phase === "closed") return undefined;
  // A patient who reads their own record has no organization.
  if (topic === "read" && organization === undefined) return undefined;
  return topic;
}

const HOUR_MS = 3_600_000;
const STEP = 4;
/** Of each organization and patient in an hour: some tens of bytes. */
const MOST_COUNTED = 50_000;

/**
 * Chooses which accesses patients are told of, so that a program that reads all day makes a few events an hour: the first, the
 * fourth, the sixteenth read of an hour, and so on. It counts in memory: after a restart an hour is counted anew, and what was told
 * already is recognised by `sameAs`.
 */
export interface NotedAccesses {
  /** What to tell of these accesses if they are stored now, in their order, by id. Counts nothing. */
  of(accesses: readonly Notable[]): ReadonlyMap<string, NotedAccess>;
  /** They were stored. */
  stored(accesses: readonly Notable[]): void;
}

export function createNotedAccesses(): NotedAccesses {
  const counts: BoundedCache<number> = createBoundedCache({ name: "noted-accesses", capacity: MOST_COUNTED });

  return {
    of(accesses) {
      const counted = new Map<string, number>();
      const noted = new Map<string, NotedAccess>();
      for (const access of accesses) {
        const topic = topicOf(access);
        if (topic === undefined) continue;
        const { id, partition, timeMs } = access;
        const told = { partition, access: id, timeMs };
        if (!isCounted(topic)) {
          noted.set(id, { ...told, reads: 0, sameAs: id });
          continue;
        }
        const name = countedAs(access, topic);
        const next = (counted.get(name) ?? counts.get(name) ?? 0) + 1;
        counted.set(name, next);
        if (!isStep(next)) continue;
        noted.set(id, { ...told, reads: topic === "read" ? next : 0, sameAs: `${name} ${next}` });
      }
      return noted;
    },
    stored(accesses) {
      for (const access of accesses) {
        const topic = topicOf(access);
        if (topic === undefined || !isCounted(topic)) continue;
        const name = countedAs(access, topic);
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    },
  };
}

function isCounted(topic: Topic): boolean {
  return topic === "read" || topic === "retraction";
}

function countedAs({ partition, organization = "", timeMs }: Notable, topic: Topic): string {
  return JSON.stringify([topic, partition, organization, Math.floor(timeMs / HOUR_MS)]);
}

function isStep(count: number): boolean {
  let step = 1;
  while (step < count) step *= STEP;
  return step === count;
}
