import {
  type CategorySet,
  type CodeDefinition,
  LOINC,
  type QuantityCode,
  type Sensitivity,
  sensitivities as sensitivityNames,
} from "./definition.ts";
import { nearCodes } from "./near-codes.ts";
import {
  categoryOfKey,
  createClassifier,
  isKeyWithin,
  type RecordClasses,
  type RecordContent,
} from "./record-classes.ts";
import type { Definitions } from "./terminology-document.ts";
import { checkUnitOf, type UnitCheck } from "./units.ts";

/** The vocabulary of an exchange: its codes, and the categories of data that consents name. Immutable. */
export interface Terminology {
  /** Every code that data may have, in the order of the documents. */
  readonly codes: readonly CodeDefinition[];
  /**
   * The definition of a code that data may have; undefined for any other, also for a component (8480-6), which
   * exists only inside its panel.
   *
   * @param system empty means LOINC, as in the contracts
   */
  findCode(code: string, system?: string): CodeDefinition | undefined;
  /** The definition of `code`, a component's too, in any system. */
  findAnyCode(code: string): CodeDefinition | undefined;
  /** Up to three accepted codes that the caller may have meant, by code or by name. */
  near(code: string, system?: string): readonly CodeDefinition[];
  /** Whether `value` is in the closed set of the coded code `code`. Displays are ignored. */
  isAllowedValue(code: string, value: { readonly system: string; readonly code: string }): boolean;
  /** Whether a unit may be sent with a code, a component's too. */
  checkUnit(code: string, unit: string): UnitCheck;
  /** Names of all categories, in the order in which they are listed to people. */
  readonly categories: readonly string[];
  /** Every version of every category, in the order of `categories`, ascending. */
  readonly sets: readonly CategorySet[];
  isCategory(name: string): boolean;
  /** The newest version, from 1; 0 where there is no such category. A consent that names no version keeps this one. */
  currentVersion(category: string): number;
  /** The codes of one version. Empty for a category or version that is not known: the unknown permits nothing. */
  codesOf(category: string, version: number): ReadonlySet<string>;
  /** Whether `code` is in that version of `category`; false for an unknown code, category or version. */
  isInCategory(code: string, category: string, version: number): boolean;
  /**
   * What a clinical record is decided by: the keys of which consents have to cover every one, sorted. A key is a code, of an
   * observation that could as well be stored as one, or `<category>@<version>`: the category with the first version whose rules
   * hold the record. `isInCategory`, `categoriesOf` and `sensitivityOf` take keys as they take codes.
   *
   * @returns the name of a part (a resource type) that falls into no category, where there is one
   */
  classify(content: RecordContent): RecordClasses;
  /** The categories whose current version holds `code`, or the category of a key. */
  categoriesOf(code: string): readonly string[];
  /** Of the most sensitive category whose current version holds `code`. */
  sensitivityOf(code: string): Sensitivity;
}

const NONE: readonly string[] = [];
const NO_CODES: ReadonlySet<string> = new Set();

export function createTerminology({ codes, sets: unordered, sensitivities }: Definitions): Terminology {
  const byCode = new Map(codes.map((definition) => [definition.code, definition]));
  const components = new Map<string, QuantityCode>(
    codes.flatMap((definition) =>
      definition.kind === "components" ? definition.components.map((one) => [one.code, one] as const) : [],
    ),
  );
  // A category stands where its first version stands.
  const categories = [...new Set(unordered.map(({ category }) => category))];
  const sets = categories.flatMap((name) => unordered.filter(({ category }) => category === name));
  /** `versions.get(category)[version − 1]`. */
  const versions = new Map<string, readonly ReadonlySet<string>[]>(
    categories.map((name) => [
      name,
      sets.filter(({ category }) => category === name).map((set) => new Set(set.codes)),
    ]),
  );
  const categoriesByCode = new Map<string, string[]>();
  for (const name of categories) {
    for (const code of versions.get(name)!.at(-1)!) {
      const known = categoriesByCode.get(code);
      if (known === undefined) categoriesByCode.set(code, [name]);
      else known.push(name);
    }
  }

  const findAnyCode = (code: string) => byCode.get(code) ?? components.get(code);
  const codesOf = (category: string, version: number) => versions.get(category)?.[version - 1] ?? NO_CODES;

  const categoriesOf = (code: string) => {
    const key = categoryOfKey(code);
    if (key === undefined) return categoriesByCode.get(code) ?? NONE;
    return versions.has(key) ? [key] : NONE;
  };

  return {
    codes,
    findCode(code, system = "") {
      const definition = byCode.get(code);
      return definition?.system === (system || LOINC) ? definition : undefined;
    },
    findAnyCode,
    near: (code, system = "") => nearCodes(codes, code, system),
    isAllowedValue(code, value) {
      const definition = byCode.get(code);
      return (
        definition?.kind === "coded" &&
        value.system === definition.valueSystem &&
        definition.values.some((allowed) => allowed.code === value.code)
      );
    },
    checkUnit: (code, unit) => checkUnitOf(findAnyCode(code), unit),
    categories,
    sets,
    isCategory: (name) => versions.has(name),
    currentVersion: (category) => versions.get(category)?.length ?? 0,
    codesOf,
    isInCategory: (code, category, version) =>
      codesOf(category, version).has(code) ||
      (codesOf(category, version) !== NO_CODES && isKeyWithin(code, category, version)),
    classify: createClassifier({ codes, sets, categoriesByCode, sensitivities }),
    categoriesOf,
    sensitivityOf(code) {
      const levels = categoriesOf(code).map((name) =>
        sensitivityNames.indexOf(sensitivities?.get(name) ?? "normal"),
      );
      return sensitivityNames[Math.max(0, ...levels)]!;
    },
  };
}
