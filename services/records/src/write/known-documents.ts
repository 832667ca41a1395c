import { createBoundedCache } from "@wellapi/runtime";
import type { Stored } from "@wellapi/store";
import type { Head } from "../blocks/documents.ts";

/** At most this many of each kind are remembered. */
const MOST = 50_000;

/**
 * Stored series. Only an erasure deletes them, and afterwards nothing is stored for the patient, so an entry stays
 * true for as long as it matters.
 */
export function createKnownSeries() {
  const known = createBoundedCache<true>({ name: "known-series", capacity: MOST });
  return {
    has: (partition: string, series: string) => known.get(`${partition} ${series}`) === true,
    add: (partition: string, series: string) => known.set(`${partition} ${series}`, true),
  };
}

/**
 * Heads as this process last wrote or read them. Another writer (a retraction, an erasure, another replica) may have
 * replaced one since: then the guard refuses a commit that is based on it, and the caller has to `forget` it and
 * read.
 */
export function createKnownHeads() {
  const known = createBoundedCache<Stored<Head>>({ name: "known-heads", capacity: MOST });
  return { get: known.get, set: known.set, forget: known.delete };
}
