import type { Granularity } from "./provenance.ts";

export const MINUTE_MS = 60_000;

/** The minute of UTC in which a sample starts, since 1970. */
export function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS);
}

/** Instants and minutes; the numbers are the contract's. */
const FINE: readonly Granularity[] = [0, 1, 2];

/** Whether series of this granularity are merged: what is longer than a minute can't be chosen by the minute. */
export function isMergeable(granularity: Granularity): boolean {
  return FINE.includes(granularity);
}

/** What the rule knows of a series. */
export interface Candidate {
  /** Opaque id. */
  readonly series: string;
  readonly granularity: Granularity;
  /** Of its device in the patient's order; Infinity where it has none. */
  readonly place: number;
}

/** Which of two series wins a minute in which both have samples: negative for `a`. Never 0 for two series. */
export function compareCandidates(a: Candidate, b: Candidate): number {
  if (a.place !== b.place) return a.place - b.place;
  if (a.granularity !== b.granularity) return a.granularity - b.granularity;
  return a.series < b.series ? -1 : 1;
}

/** Why a stretch is of its series; the numbers are the contract's. */
export const mergeReasons = { onlySource: 1, firstInOrder: 2, ranked: 3, tieBreak: 4 } as const;
export type MergeReason = (typeof mergeReasons)[keyof typeof mergeReasons];

/** @param next the first of those that were passed over; undefined: none was */
export function reasonFor(chosen: Candidate, next: Candidate | undefined): MergeReason {
  if (next === undefined) return mergeReasons.onlySource;
  if (chosen.place === next.place) return mergeReasons.tieBreak;
  return next.place === Number.POSITIVE_INFINITY ? mergeReasons.ranked : mergeReasons.firstInOrder;
}
