import { ALWAYS, clip, covers, type Interval, unite } from "../model/interval.ts";

/** The finest data that a consent permits. */
export type Fineness = "raw" | "hourly" | "daily";

/** What one provision of a consent permits now, with its obligations. */
export interface ConsentPermit {
  /** `con_...`; of emergency access `emg_...`. */
  readonly consent: string;
  readonly version: number;
  /** The provision's position in the consent. */
  readonly provision: number;
  /** Undefined for a resolution that this build does not know, which never permits. */
  readonly fineness: Fineness | undefined;
  /** Only data captured within. */
  readonly window: Interval;
  /** For a sliding window: only data captured in the last `lastMs` milliseconds, and not before `from`. */
  readonly sliding?: { readonly lastMs: number; readonly from: number } | undefined;
  /** It is emergency access, not a consent. */
  readonly emergency?: true | undefined;
}

/** Which data of one code a reader may read now. */
export interface CodePermit {
  /** Samples as recorded may be released within these intervals; united, cut to the request. */
  readonly intervals: readonly Interval[];
  /** The permits on which it is based; empty for a patient who reads their own data. */
  readonly permits: readonly ConsentPermit[];
  /** Changes when the consents or their versions do. */
  readonly signature: string;
}

/** A patient's own reading needs no consent and is bounded by the request alone. */
export function ownPermit(bounds: Interval): CodePermit {
  return { intervals: clip([ALWAYS], bounds), permits: [], signature: "own" };
}

/**
 * The permit to read samples as recorded: the union of the windows of the raw permits, cut to the request. Undefined
 * where every permit demands coarser data.
 */
export function rawPermit(permits: readonly ConsentPermit[], bounds: Interval): CodePermit | undefined {
  const raw = permits.filter(({ fineness }) => fineness === "raw");
  if (raw.length === 0) return undefined;
  return {
    intervals: clip(unite(raw.map(({ window }) => window)), bounds),
    permits: raw,
    signature: signatureOf(raw),
  };
}

/** Whether the permits let samples be read as recorded in all of `bounds`. */
export function coversRaw(permits: readonly ConsentPermit[], bounds: Interval): boolean {
  const raw = permits.filter(({ fineness }) => fineness === "raw");
  return covers(unite(raw.map(({ window }) => window)), bounds);
}

/** Identifies the permits and all their obligations, in any order. The passing of time does not change it. */
export function signatureOf(permits: readonly ConsentPermit[]): string {
  return permits
    .map(({ consent, version, provision, fineness, window, sliding }) => {
      const from = sliding === undefined ? window.from : `${sliding.from} last ${sliding.lastMs}`;
      return [consent, version, provision, fineness, from, window.to].join(":");
    })
    .sort()
    .join(" ");
}
