import { keysOfCategory } from "./record-classes.ts";
import type { Terminology } from "./terminology.ts";

/** HL7's categories of observations (FHIR R4). */
export const OBSERVATION_CATEGORY_SYSTEM = "http://terminology.hl7.org/CodeSystem/observation-category";

/** The categories that consents name, as FHIR would name them. */
export const DATA_CATEGORY_SYSTEM = "https://wellapi.dev/fhir/CodeSystem/data-category";

/** Which of the categories that consents name lie in one of HL7's. Sleep lies in none. */
const within: Readonly<Record<string, readonly string[]>> = {
  "vital-signs": ["heart", "body", "blood_pressure", "respiratory", "temperature"],
  activity: ["activity"],
  laboratory: ["glucose", "laboratory"],
  survey: ["wellbeing", "assessments"],
};

/**
 * The codes of data, and the keys of clinical records, in any of the categories, each as FHIR searches for it: `vital-signs`, `sleep`, or with its system,
 * `http://terminology.hl7.org/CodeSystem/observation-category|vital-signs`. A category that is not known holds no code.
 */
export function codesOfCategories(
  terminology: Pick<Terminology, "codesOf" | "currentVersion" | "sets">,
  tokens: Iterable<string>,
): ReadonlySet<string> {
  const codes = new Set<string>();
  for (const token of tokens) {
    for (const category of namedBy(token)) {
      const version = terminology.currentVersion(category);
      for (const code of terminology.codesOf(category, version)) codes.add(code);
      const holdsRecords = terminology.sets.some((set) => set.category === category && set.records);
      for (const key of holdsRecords ? keysOfCategory(category, version) : []) codes.add(key);
    }
  }
  return codes;
}

/**
 * What is left of the codes, or of all, without those of these categories in any version. A code or key that is not known is left out,
 * too: nobody can say that it is none of these.
 */
export function codesWithout(
  terminology: Pick<Terminology, "codesOf" | "currentVersion" | "sets" | "codes">,
  codes: ReadonlySet<string> | "all",
  categories: readonly string[],
): ReadonlySet<string> {
  const everything = new Set(terminology.codes.map(({ code }) => code));
  const hidden = new Set<string>();
  for (const { category, version, records } of terminology.sets) {
    const all = [
      ...terminology.codesOf(category, version),
      ...(records ? keysOfCategory(category, version) : []),
    ];
    for (const code of all) (categories.includes(category) ? hidden : everything).add(code);
  }
  return new Set([...(codes === "all" ? everything : codes)].filter((code) => !hidden.has(code)));
}

function namedBy(token: string): readonly string[] {
  const at = token.lastIndexOf("|");
  const system = at < 0 ? undefined : token.slice(0, at);
  const name = token.slice(at + 1);
  const ofHl7 = Object.hasOwn(within, name) ? within[name]! : [];
  if (system === OBSERVATION_CATEGORY_SYSTEM) return ofHl7;
  if (system === DATA_CATEGORY_SYSTEM) return [name];
  return system === undefined ? [...ofHl7, name] : [];
}
