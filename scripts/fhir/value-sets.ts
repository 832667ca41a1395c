import { type CodeSystem, type Concept, nameOf, type ValueSet, type ValueSetInclude } from "./sources.ts";

/**
 * The codes of each value set, by its name and their system. A set is left out where its codes are not HL7's to list: media types (BCP 13),
 * units (UCUM), currencies (ISO 4217), and LOINC's answers.
 */
export function codeLists(
  urls: readonly string[],
  valueSets: readonly ValueSet[],
  codeSystems: readonly CodeSystem[],
): Record<string, Record<string, readonly string[]>> {
  const lists: Record<string, Record<string, readonly string[]>> = {};
  for (const url of urls) {
    const set = valueSets.find((one) => one.url === url);
    if (!set?.compose || set.compose.exclude) continue;
    const list: Record<string, readonly string[]> = {};
    let complete = true;
    for (const include of set.compose.include) {
      const codes = codesOf(include, codeSystems);
      if (codes) list[include.system!] = [...(list[include.system!] ?? []), ...codes];
      else complete = false;
    }
    if (complete) lists[nameOf(url)] = list;
  }
  return lists;
}

function codesOf(
  { system, concept, filter, valueSet }: ValueSetInclude,
  codeSystems: readonly CodeSystem[],
): readonly string[] | undefined {
  if (filter || valueSet) return undefined;
  if (concept) return concept.map(({ code }) => code);
  const whole = codeSystems.find(({ url, content }) => url === system && content === "complete");
  return whole && flatten(whole.concept ?? []);
}

function flatten(concepts: readonly Concept[]): string[] {
  return concepts.flatMap(({ code, concept }) => [code, ...flatten(concept ?? [])]);
}
