import type { Principal } from "@wellapi/rpc";
import { narrowingOf } from "@wellapi/scopes";
import { codesOfCategories, codesWithout, type Terminology } from "@wellapi/terminology";

/**
 * The codes that the scopes of a caller's token reach, without those that are not for who acts in a patient's name: all, or these. It
 * takes away from what the consents permit, and adds nothing.
 */
export type CodesWithin = "all" | ReadonlySet<string>;

/** `needs`: the scopes that the contract names for the call, of which the token has one. */
export function codesWithin(
  terminology: Terminology,
  { scopes, hides }: Pick<Principal, "scopes" | "hides">,
  needs: readonly string[],
): CodesWithin {
  const narrowing = narrowingOf(scopes, needs);
  const reached = narrowing === "all" ? "all" : codesOfCategories(terminology, narrowing);
  return hides === undefined ? reached : codesWithout(terminology, reached, hides);
}

/** `""` stands for no code in particular: it asks whether there is a consent at all. */
export function isWithin(within: CodesWithin | undefined, code: string): boolean {
  return within === undefined || within === "all" || code === "" || within.has(code);
}

/** As `codesWithin`, of clinical records of one type. `permission`: c, r, u, d or s, as SMART has them. */
export function recordsWithin(
  terminology: Terminology,
  principal: Pick<Principal, "scopes" | "hides">,
  type: string,
  permission: string,
): CodesWithin {
  return codesWithin(terminology, principal, [`${type}.${permission}`]);
}

/** Whether a token's scopes reach nothing at all. */
export function isNothing(within: CodesWithin): boolean {
  return within !== "all" && within.size === 0;
}
