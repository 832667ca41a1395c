import {
  type Consent,
  type CurrentConsents,
  type Direction,
  hasEnded,
  homeRegionOf,
  type Purpose,
  resolutions,
} from "./consent.ts";

/** A field that is undefined was not stated, or not in words known here: it never permits. */
export interface Question {
  readonly partition: string;
  readonly organization: string;
  readonly direction: Direction | undefined;
  /** LOINC code. */
  readonly code: string;
  /** Not used for contributing. */
  readonly purpose: Purpose | undefined;
  /** The region that would receive the data. */
  readonly region: string;
}

export type DenialReason = "no_consent" | "revoked" | "expired" | "category" | "purpose" | "region";

export type Decision =
  | { readonly permitted: true; readonly grants: readonly [Consent, ...Consent[]] }
  | { readonly permitted: false; readonly reason: DenialReason };

/** Whether a code belongs to a version of a category. */
export type InCategory = (code: string, category: string, version: number) => boolean;

/**
 * Decides. Grants include those whose validity has not begun: whoever uses them looks at the clock each time.
 *
 * The consents between patient and organization in the direction pass five sieves, in this order: not expired,
 * category, purpose, region, resolution known. The reason of a denial is the first sieve that left none, so it
 * names what the best consent lacks; where there was none to begin with, it tells a revoked one from none.
 */
export function decide(
  current: CurrentConsents,
  question: Question,
  now: number,
  inCategory: InCategory,
): Decision {
  const { organization, direction } = question;
  const between = current.consents.filter(
    ({ terms }) => direction !== undefined && terms.direction === direction && terms.grantee === organization,
  );
  if (between.length === 0) {
    const had = current.revoked.some((pair) => pair.direction === direction && pair.grantee === organization);
    return { permitted: false, reason: had ? "revoked" : "no_consent" };
  }
  const sieves: ReadonlyArray<readonly [DenialReason, (consent: Consent) => boolean]> = [
    ["expired", ({ terms }) => !hasEnded(terms.validity, now)],
    ["category", ({ terms }) => terms.categories.some((c) => inCategory(question.code, c.name, c.version))],
    ["purpose", ({ terms }) => coversPurpose(terms.purposes, question)],
    ["region", ({ terms }) => coversRegion(terms.regions, question)],
    // A document that a newer release wrote may hold a resolution that this one cannot enforce.
    ["no_consent", ({ terms }) => resolutions.includes(terms.resolution)],
  ];
  let left = between;
  for (const [reason, passes] of sieves) {
    left = left.filter(passes);
    if (left.length === 0) return { permitted: false, reason };
  }
  const [first, ...rest] = left;
  return first ? { permitted: true, grants: [first, ...rest] } : { permitted: false, reason: "no_consent" };
}

function coversPurpose(purposes: readonly Purpose[], { direction, purpose }: Question): boolean {
  return direction === "contribute" || (purpose !== undefined && purposes.includes(purpose));
}

/** What is contributed is stored at home, whatever regions may receive it later. */
function coversRegion(regions: readonly string[], { direction, partition, region }: Question): boolean {
  const home = homeRegionOf(partition);
  if (region === "" || home === "") return false;
  if (direction === "contribute" || regions.length === 0) return region === home;
  return regions.includes(region);
}
