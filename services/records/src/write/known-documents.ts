import { createBoundedCache } from "@wellapi/runtime";
import type { Stored } from "@wellapi/store";
import type { Head } from "../blocks/documents.ts";

/** At most this many of each kind are remembered. */
const MOST = 50_000;

/**
 * Series that are stored. They are deleted only by an erasure, after which nothing is stored for the patient, so what
 * was true once stays true for as long as it matters.
 */
export function createKnownSeries() {
  const known = createBoundedCache<true>({ name: "known-series", capacity: MOST });
  return {
    has: (partition: string, series: string) => known.get(`${partition} ${series}`) === true,
    add: (partition: string, series: string) => known.set(`${partition} ${series}`, true),
  };
}

/**
 * Heads as this process last wrote or read them. Others (a retraction, an erasure, another replica) may have replaced
 * one since: whoever commits on it is told so by the guard, and then has to `forget` it and read.
 */
export function createKnownHeads() {
  const known = createBoundedCache<Stored<Head>>({ name: "known-heads", capacity: MOST });
  return { get: known.get, set: known.set, forget: known.delete };
}
