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
  /** Of what is counted: the step that it tells of; else 0. */
  readonly step: number;
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

/** Of one organization and patient in an hour. */
interface Counted {
  readonly count: number;
  /** The greatest step that was told. */
  readonly told: number;
}

/**
 * Chooses which accesses patients are told of, so that a program that reads all day makes a few events an hour: the first, the
 * fourth, the sixteenth read of an hour, and so on. A step that was passed meanwhile, because requests came at once, is told with the
 * next read. It counts in memory: after a restart an hour is counted anew, and what was told already is recognised by `sameAs`.
 */
export interface NotedAccesses {
  /** What to tell of these accesses if they are stored now, in their order, by id. Counts nothing. */
  of(accesses: readonly Notable[]): ReadonlyMap<string, NotedAccess>;
  /** These were stored now, and of those that `told` has that was told. */
  stored(accesses: readonly Notable[], told: ReadonlyMap<string, Pick<NotedAccess, "step">>): void;
}

const none: Counted = { count: 0, told: 0 };

export function createNotedAccesses(): NotedAccesses {
  const counts: BoundedCache<Counted> = createBoundedCache({
    name: "noted-accesses",
    capacity: MOST_COUNTED,
  });

  return {
    of(accesses) {
      const counted = new Map<string, Counted>();
      const noted = new Map<string, NotedAccess>();
      for (const access of accesses) {
        const topic = topicOf(access);
        if (topic === undefined) continue;
        const { id, partition, timeMs } = access;
        const told = { partition, access: id, timeMs };
        if (!isCounted(topic)) {
          noted.set(id, { ...told, reads: 0, sameAs: id, step: 0 });
          continue;
        }
        const name = countedAs(access, topic);
        const before = counted.get(name) ?? counts.get(name) ?? none;
        const step = stepOf(before.count + 1);
        counted.set(name, { count: before.count + 1, told: Math.max(before.told, step) });
        if (step <= before.told) continue;
        noted.set(id, { ...told, reads: topic === "read" ? step : 0, sameAs: `${name} ${step}`, step });
      }
      return noted;
    },
    stored(accesses, told) {
      for (const access of accesses) {
        const topic = topicOf(access);
        if (topic === undefined || !isCounted(topic)) continue;
        const name = countedAs(access, topic);
        const before = counts.get(name) ?? none;
        const step = told.get(access.id)?.step ?? 0;
        counts.set(name, { count: before.count + 1, told: Math.max(before.told, step) });
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

/** The greatest that is reached. `count`: at least 1. */
function stepOf(count: number): number {
  let step = 1;
  while (step * STEP <= count) step *= STEP;
  return step;
}
