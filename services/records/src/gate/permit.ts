import type { Sources } from "@wellapi/enforcer";
import { type Contributor, contributorKey } from "../model/contributor.ts";
import { ALWAYS, clip, covers, type Interval, unite } from "../model/interval.ts";
import { hidesDevices, type Mask, masksText, naming } from "./masks.ts";
import { namesSources, permitsFrom, sourcesText } from "./sources.ts";

/** The finest data that a consent permits. */
export type Fineness = "raw" | "hourly" | "daily";

const finest: readonly Fineness[] = ["raw", "hourly", "daily"];

/** Whether a permit is for data as fine as `wanted`; for one that this build does not know, never. */
export function isAsFine({ fineness }: Pick<ConsentPermit, "fineness">, wanted: Fineness): boolean {
  return fineness !== undefined && finest.indexOf(fineness) <= finest.indexOf(wanted);
}

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
  /** Only data of these sources; undefined: of all. */
  readonly sources?: Sources | undefined;
  /** What is left out of it; undefined: nothing. */
  readonly masks?: ReadonlySet<Mask> | undefined;
  /** It is emergency access, not a consent. */
  readonly emergency?: true | undefined;
}

/** Which data of one code a reader may read now. */
export interface CodePermit {
  /** Samples as recorded of some contributor may be released within these intervals; united, cut to the request. */
  readonly intervals: readonly Interval[];
  /** The same of one contributor; undefined: of one who is not known. Nothing else may be released of its data. */
  readonly from: (contributor: Contributor | undefined) => readonly Interval[];
  /** Where its device may be told, too: a part of `from`. Absent: everywhere. */
  readonly named?: (contributor: Contributor) => readonly Interval[];
  /** The permits on which it is based; empty for a patient who reads their own data. */
  readonly permits: readonly ConsentPermit[];
  /** Changes when the consents or their versions do. */
  readonly signature: string;
}

/** A patient's own reading needs no consent and is bounded by the request alone. */
export function ownPermit(bounds: Interval): CodePermit {
  const intervals = clip([ALWAYS], bounds);
  return { intervals, from: () => intervals, permits: [], signature: "own" };
}

/**
 * The permit to read samples as recorded: the union of the windows of the raw permits, cut to the request. Undefined
 * where every permit demands coarser data.
 */
export function rawPermit(permits: readonly ConsentPermit[], bounds: Interval): CodePermit | undefined {
  const raw = permits.filter(({ fineness }) => fineness === "raw");
  if (raw.length === 0) return undefined;
  const intervals = windowsOf(raw, bounds);
  const codePermit = {
    intervals,
    from: fromEach(raw, bounds, intervals),
    permits: raw,
    signature: signatureOf(raw),
  };
  if (!hidesDevices(raw)) return codePermit;
  const telling = naming(raw);
  return { ...codePermit, named: fromEach(telling, bounds, windowsOf(telling, bounds)) };
}

function windowsOf(permits: readonly ConsentPermit[], bounds: Interval): readonly Interval[] {
  return clip(unite(permits.map(({ window }) => window)), bounds);
}

/** @param all what is permitted of some contributor */
function fromEach(
  permits: readonly ConsentPermit[],
  bounds: Interval,
  all: readonly Interval[],
): CodePermit["from"] {
  if (!namesSources(permits)) return () => all;
  const known = new Map<string, readonly Interval[]>();
  return (contributor) => {
    const key = contributorKey(contributor);
    const found = known.get(key) ?? windowsOf(permitsFrom(permits, contributor), bounds);
    known.set(key, found);
    return found;
  };
}

/** Whether the permits let data of every contributor be read as recorded, and whole, in all of `bounds`. */
export function coversRaw(permits: readonly ConsentPermit[], bounds: Interval): boolean {
  const raw = permits.filter(
    ({ fineness, sources, masks }) => fineness === "raw" && sources === undefined && masks === undefined,
  );
  return covers(unite(raw.map(({ window }) => window)), bounds);
}

/** Identifies the permits and all their obligations, in any order. The passing of time does not change it. */
export function signatureOf(permits: readonly ConsentPermit[]): string {
  return permits
    .map((permit) => {
      const { consent, version, provision, fineness, window, sliding } = permit;
      const from = sliding === undefined ? window.from : `${sliding.from} last ${sliding.lastMs}`;
      return (
        [consent, version, provision, fineness, from, window.to].join(":") +
        sourcesText(permit) +
        masksText(permit)
      );
    })
    .sort()
    .join(" ");
}
