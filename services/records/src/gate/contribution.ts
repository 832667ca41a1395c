import type { Interval } from "../model/interval.ts";

/** Whether the sender may contribute a code, from the decision. */
export type Contribution =
  | { readonly permitted: true; readonly windows: readonly Interval[] }
  | {
      readonly permitted: false;
      /** `none`: no consent is in force; `other`: one is in force, but does not cover this. */
      readonly scope: "none" | "other";
      /** UPPER_SNAKE_CASE, e.g. CONSENT_CATEGORY. */
      readonly reason: string;
    };

/** A consent that permits contributing, with the window of its data. */
export interface ContributionPermit extends Interval {
  readonly consent: string;
  readonly version: number;
  readonly sliding?: { readonly lastMs: number; readonly from: number };
}

/** The permitted contributions of one code, with their permits. */
export type CodeContribution = Contribution & { readonly permits: readonly ContributionPermit[] };

/** The permitted contributions, by code. */
export type Contributions = ReadonlyMap<string, CodeContribution>;

/** Whether the sender has no consent in force: then the whole batch fails, as for an unknown patient. */
export function lacksConsent(contributions: Iterable<Contribution>): boolean {
  for (const contribution of contributions) {
    if (contribution.permitted || contribution.scope === "other") return false;
  }
  return true;
}

/** Whether a decision still holds: the same permits with the same obligations. The passing of time changes nothing. */
export function sameContributions(a: Contributions, b: Contributions): boolean {
  // The permits are the same object where both decisions came from the enforcer's cache.
  const same = ([code, { permits }]: readonly [string, { readonly permits: unknown }]) =>
    permits === b.get(code)?.permits;
  if (a.size === b.size && [...a].every(same)) return true;
  return JSON.stringify([...a].map(standing)) === JSON.stringify([...b].map(standing));
}

/** Without values that move with time: a sliding window is judged once, not again between judgement and commit. */
function standing([code, contribution]: readonly [string, CodeContribution]) {
  const { permitted, permits } = contribution;
  if (!permits.some(({ sliding }) => sliding !== undefined)) return [code, contribution];
  return [code, permitted, permits.map((permit) => (permit.sliding ? { ...permit, from: 0 } : permit))];
}
