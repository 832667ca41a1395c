import { ALWAYS, clip, type Interval, unite } from "./interval.ts";

/** The finest data that a consent releases. */
export type Fineness = "raw" | "hourly" | "daily";

/** One consent's permission in force, with its obligations. */
export interface ConsentPermit {
  readonly consent: string;
  readonly version: number;
  /** Undefined for a resolution that this build does not know: it never permits. */
  readonly fineness: Fineness | undefined;
  /** Only data captured within. */
  readonly window: Interval;
}

/** What a reader may read of one code now. */
export interface Grant {
  /** Samples as recorded may be released within these; united, cut to the request. */
  readonly intervals: readonly Interval[];
  /** The permits that it rests on; empty for a patient who reads their own data. */
  readonly permits: readonly ConsentPermit[];
  /** Changes when the consents or their versions do. */
  readonly signature: string;
}

/** A patient's own reading needs no consent and is bounded by the request alone. */
export function ownGrant(bounds: Interval): Grant {
  return { intervals: clip([ALWAYS], bounds), permits: [], signature: "own" };
}

/**
 * The permission to read samples as recorded: the union of the windows of the raw permits, cut to the
 * request. Undefined where every permit demands coarser data.
 */
export function rawGrant(permits: readonly ConsentPermit[], bounds: Interval): Grant | undefined {
  const raw = permits.filter(({ fineness }) => fineness === "raw");
  if (raw.length === 0) return undefined;
  return {
    intervals: clip(unite(raw.map(({ window }) => window)), bounds),
    permits: raw,
    signature: signatureOf(raw),
  };
}

/** Names the permits and everything that they demand, whatever their order. */
export function signatureOf(permits: readonly ConsentPermit[]): string {
  return permits
    .map(({ consent, version, fineness, window }) =>
      [consent, version, fineness, window.from, window.to].join(":"),
    )
    .sort()
    .join(" ");
}
