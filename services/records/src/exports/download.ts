import type { Interval } from "../model/interval.ts";

/** Which part of a record a patient takes along. */
export interface DownloadTerms {
  /** Names; empty: all. */
  readonly categories: readonly string[];
  readonly interval: Interval;
  /** The numbers are the contract's DownloadFormat; empty: all. */
  readonly formats: readonly number[];
}

/** A download that may be fetched: nothing of it is stored, it is told to who prepared it, sealed. */
export interface PreparedDownload extends DownloadTerms {
  /** Who acts in the patient's name; empty for the patient. */
  readonly actor: string;
  /** UTC milliseconds. */
  readonly expires: number;
}

/** So long it may be fetched. */
const LIFE_MS = 15 * 60_000;

export function preparedDownload(terms: DownloadTerms, actor: string, now: number): PreparedDownload {
  const { categories, interval, formats } = terms;
  return { categories, interval, formats, actor, expires: now + LIFE_MS };
}

export function isFor({ actor, expires }: PreparedDownload, asking: string, now: number): boolean {
  return actor === asking && now < expires;
}
