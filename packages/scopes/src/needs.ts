import { parseScope, type SmartContext, type SmartScope } from "./smart-scope.ts";

/**
 * What a call may touch under a credential's scopes: everything that it may touch without them, or data of these
 * categories only. An empty set is nothing.
 */
export type Narrowing = "all" | ReadonlySet<string>;

const everything: Narrowing = "all";

/**
 * Whether the scopes hold one of what a call needs: `Observation.s` is a SMART resource with its permissions, all of
 * them, and `*.s` any resource with them; `*` needs none; anything else is a scope of this exchange, word for word. `undefined` scopes do not limit.
 */
export function hasScope(scopes: readonly string[] | undefined, needs: readonly string[]): boolean {
  if (scopes === undefined) return true;
  const held = parsed(scopes);
  return needs.some((need) =>
    isResource(need) ? held.some((scope) => covers(scope, need)) : need === "*" || scopes.includes(need),
  );
}

/** How far the scopes that a call needs reach into observations. Without a fitting scope: into nothing. */
export function narrowingOf(scopes: readonly string[] | undefined, needs: readonly string[]): Narrowing {
  if (scopes === undefined) return everything;
  if (needs.some((need) => !isResource(need) && scopes.includes(need))) return everything;
  const categories = new Set<string>();
  for (const scope of parsed(scopes)) {
    if (!needs.some((need) => isResource(need) && covers(scope, need))) continue;
    if (scope.categories === undefined) return everything;
    for (const one of scope.categories) categories.add(one);
  }
  return categories;
}

/**
 * The scopes that a token of one kind may hold: those of its context, and this exchange's own. A backend's `patient/`
 * scope would name no patient, so it permits nothing.
 */
export function scopesWithin(scopes: readonly string[], context: SmartContext): readonly string[] {
  return scopes.filter((text) => {
    const smart = parseScope(text);
    return smart === undefined ? /^wellapi:[a-z.]+$/.test(text) : smart.context === context;
  });
}

/** Principals are kept and shared by their calls, so their scopes are parsed once. */
const known = new WeakMap<readonly string[], readonly SmartScope[]>();

function parsed(scopes: readonly string[]): readonly SmartScope[] {
  const before = known.get(scopes);
  if (before !== undefined) return before;
  const parsedNow = scopes.map(parseScope).filter((scope) => scope !== undefined);
  known.set(scopes, parsedNow);
  return parsedNow;
}

function isResource(need: string): boolean {
  return /^([A-Z]|\*\.)/.test(need);
}

function covers({ resource, permissions }: SmartScope, need: string): boolean {
  const [type, letters = ""] = need.split(".");
  if (resource !== "*" && type !== "*" && resource !== type) return false;
  return letters !== "" && [...letters].every((letter) => permissions.includes(letter));
}
