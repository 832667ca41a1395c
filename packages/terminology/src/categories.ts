/**
 * Categories of data that a consent can name: versioned sets of codes.
 *
 * A consent pins the version it was given for, so a version is never edited: a set is widened by a new
 * version, appended here. `test/golden/categories.json` pins the old ones.
 */
const versions = {
  heart: [["8867-4", "40443-4", "80404-7"]],
  activity: [["55423-8", "41950-7", "41981-2", "55430-3"]],
  sleep: [["93832-4", "93831-6", "93830-8", "93829-0", "sleep-stage"]],
  body: [["29463-7", "8302-2", "39156-5", "41982-0"]],
  glucose: [["2339-0", "15074-8"]],
  blood_pressure: [["85354-9"]],
  respiratory: [["9279-1", "59408-5"]],
  temperature: [["8310-5"]],
} as const satisfies Record<string, readonly (readonly string[])[]>;

export type Category = keyof typeof versions;

const NO_CODES: ReadonlySet<string> = new Set();

/** `sets.get(category)[version − 1]`. */
const sets: ReadonlyMap<string, readonly ReadonlySet<string>[]> = new Map(
  Object.entries(versions).map(([category, lists]) => [
    category,
    lists.map((codes): ReadonlySet<string> => new Set(codes)),
  ]),
);

/** All categories, in the order in which they are listed to people. */
export const CATEGORIES: readonly Category[] = Object.keys(versions) as Category[];

/** Whether there is a category of this name. */
export function isCategory(name: string): name is Category {
  return sets.has(name);
}

/** The newest version, from 1. A consent that names no version gets this one, and keeps it. */
export function currentVersion(category: Category): number {
  return versions[category].length;
}

/** The codes of one version. Empty for a category or version that is not known: the unknown permits nothing. */
export function codesOf(category: string, version: number): ReadonlySet<string> {
  return sets.get(category)?.[version - 1] ?? NO_CODES;
}

/** Whether `code` is in that version of `category`; false for whatever is not known. */
export function isInCategory(code: string, category: string, version: number): boolean {
  return codesOf(category, version).has(code);
}

/** The categories whose current version holds `code`, in the order of `CATEGORIES`. */
export function categoriesOf(code: string): readonly Category[] {
  return byCode.get(code) ?? NO_CATEGORIES;
}

const NO_CATEGORIES: readonly Category[] = [];
const byCode = new Map<string, Category[]>();
for (const category of CATEGORIES) {
  for (const code of codesOf(category, currentVersion(category))) {
    const known = byCode.get(code);
    if (known === undefined) byCode.set(code, [category]);
    else known.push(category);
  }
}
