import type { Stored } from "@wellapi/store";
import type { Head } from "../blocks/documents.ts";

/** At most this many of each kind are remembered; then the one that was remembered first goes. */
const MOST = 50_000;

/**
 * Series that are stored. They are deleted only by an erasure, after which nothing is stored for the patient, so what
 * was true once stays true for as long as it matters.
 */
export function createKnownSeries() {
  const known = new Set<string>();
  return {
    has: (partition: string, series: string) => known.has(`${partition} ${series}`),
    add(partition: string, series: string) {
      if (known.size >= MOST) known.delete(known.keys().next().value!);
      known.add(`${partition} ${series}`);
    },
  };
}

/**
 * Heads as this process last wrote or read them. Others (a retraction, an erasure, another replica) may have replaced
 * one since: whoever commits on it is told so by the guard, and then has to `forget` it and read.
 */
export function createKnownHeads() {
  const known = new Map<string, Stored<Head>>();
  return {
    get: (partition: string) => known.get(partition),
    set(partition: string, head: Stored<Head>) {
      if (known.size >= MOST && !known.has(partition)) known.delete(known.keys().next().value!);
      known.set(partition, head);
    },
    forget: (partition: string) => known.delete(partition),
  };
}
