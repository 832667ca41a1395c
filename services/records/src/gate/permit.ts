import { ALWAYS, clip, type Interval, unite } from "../model/interval.ts";

/** The finest data that a consent releases. */
export type Fineness = "raw" | "hourly" | "daily";

/** What one provision of a consent permits now, with its obligations. */
export interface ConsentPermit {
  readonly consent: string;
  readonly version: number;
  /** The provision's position in the consent. */
  readonly provision: number;
  /** Undefined for a resolution that this build does not know: it never permits. */
  readonly fineness: Fineness | undefined;
  /** Only data captured within. */
  readonly window: Interval;
  /** Where the window slides: only data captured so long before now, and not before an instant. */
  readonly sliding?: { readonly lastMs: number; readonly from: number } | undefined;
}

/** What a reader may read of one code now. */
export interface CodePermit {
  /** Samples as recorded may be released within these; united, cut to the request. */
  readonly intervals: readonly Interval[];
  /** The permits that it rests on; empty for a patient who reads their own data. */
  readonly permits: readonly ConsentPermit[];
  /** Changes when the consents or their versions do. */
  readonly signature: string;
}

/** A patient's own reading needs no consent and is bounded by the request alone. */
export function ownPermit(bounds: Interval): CodePermit {
  return { intervals: clip([ALWAYS], bounds), permits: [], signature: "own" };
}

/**
 * The permission to read samples as recorded: the union of the windows of the raw permits, cut to the
 * request. Undefined where every permit demands coarser data.
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

/** Names the permits and everything that they demand, whatever their order. That time passes changes no name. */
export function signatureOf(permits: readonly ConsentPermit[]): string {
  return permits
    .map(({ consent, version, provision, fineness, window, sliding }) => {
      const from = sliding === undefined ? window.from : `${sliding.from} last ${sliding.lastMs}`;
      return [consent, version, provision, fineness, from, window.to].join(":");
    })
    .sort()
    .join(" ");
}
