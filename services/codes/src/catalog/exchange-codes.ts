import {
  type CodeDefinition,
  DATA_CATEGORY_SYSTEM,
  type QuantityCode,
  type Terminology,
} from "@wellapi/terminology";
import type { CodeSystem, KnownCode, Property, ValueSet } from "./catalog.ts";
import { listedSet, listedSystem } from "./listed.ts";

const base = "https://wellapi.dev/fhir/ValueSet";

/** Canonical URL of a category as a value set: `…/category-blood-pressure`. */
export function categorySetUrl(category: string): string {
  return `${base}/category-${category.replaceAll("_", "-")}`;
}

/** Code systems of which the exchange has codes: parts of LOINC, its own, and the categories. */
export function exchangeSystems(terminology: Terminology): readonly CodeSystem[] {
  const bySystem = Map.groupBy(allCodes(terminology), ({ system }) => system);
  const systems = [...bySystem].map(([url, codes]) =>
    listedSystem(
      {
        url,
        title: url === "http://loinc.org" ? "LOINC" : url.split("/").at(-1)!,
        version: "",
        complete: isOwn(url),
      },
      unique(codes),
    ),
  );
  const head = {
    url: DATA_CATEGORY_SYSTEM,
    title: "Categories that consents name",
    version: "",
    complete: true,
  };
  return [...systems, listedSystem(head, categoryCodes(terminology))];
}

/** What can be stored, the categories, each category's codes, and the closed sets of coded values. */
export function exchangeValueSets(terminology: Terminology): readonly ValueSet[] {
  const stored = terminology.codes.map(knownOf);
  return [
    listedSet({ url: `${base}/codes`, title: "Codes that can be stored", version: "" }, stored),
    listedSet(
      { url: `${base}/data-category`, title: "Categories that consents name", version: "" },
      categoryCodes(terminology),
    ),
    ...terminology.sets.map((set) => categorySet(terminology, set.category, set.version)),
    ...terminology.codes.flatMap(valueSetsOf),
  ];
}

function categorySet(terminology: Terminology, category: string, version: number): ValueSet {
  const codes = [...terminology.codesOf(category, version)].map((code) =>
    knownOf(terminology.findAnyCode(code)!),
  );
  const rules = terminology.sets.find((set) => set.category === category && set.version === version)?.records;
  const head = { url: categorySetUrl(category), title: `Category ${category}`, version: String(version) };
  if (rules === undefined || (rules.codes.length === 0 && rules.systems.length === 0))
    return listedSet(head, codes);
  return listedSet(head, codes, (system, code) => {
    const classes = terminology.classify({
      types: [],
      codings: [{ system, code, type: "" }],
      observations: [],
    });
    return "keys" in classes && classes.keys.some((key) => terminology.isInCategory(key, category, version));
  });
}

/** The values that a coded code may have; the parts that a session may have. */
function valueSetsOf(definition: CodeDefinition): ValueSet[] {
  const [system, values] =
    definition.kind === "coded"
      ? [definition.valueSystem, definition.values]
      : definition.kind === "session"
        ? [definition.segmentSystem, definition.segments]
        : ["", []];
  if (values.length === 0) return [];
  const codes = values.map(({ code, display }) => ({ system, code, display, inactive: false }));
  const title = `Values of ${definition.code} (${definition.display})`;
  return [listedSet({ url: `${base}/values-${definition.code}`, title, version: "" }, codes)];
}

function allCodes(terminology: Terminology): KnownCode[] {
  return terminology.codes.flatMap((definition) => {
    const own = [knownOf(definition)];
    if (definition.kind === "components") return [...own, ...definition.components.map(knownOf)];
    if (definition.kind === "coded") return [...own, ...concepts(definition.valueSystem, definition.values)];
    if (definition.kind === "session")
      return [...own, ...concepts(definition.segmentSystem, definition.segments)];
    return own;
  });
}

function concepts(system: string, list: readonly { readonly code: string; readonly display: string }[]) {
  return list.map(({ code, display }) => ({ system, code, display, inactive: false }));
}

function knownOf({ system, code, display }: CodeDefinition | QuantityCode): KnownCode {
  return { system, code, display, inactive: false };
}

function categoryCodes({ categories }: Terminology): KnownCode[] {
  return categories.map((code) => ({
    system: DATA_CATEGORY_SYSTEM,
    code,
    display: code.replaceAll("_", " "),
    inactive: false,
  }));
}

/** What the exchange knows of a code, whoever names it: a loaded release, too. */
export function exchangeProperties(
  terminology: Terminology,
  system: string,
  code: string,
): readonly Property[] {
  const definition = terminology.findAnyCode(code);
  if (definition?.system !== system) return [];
  return [
    { name: "kind", value: definition.kind },
    ...(definition.kind === "quantity" ? [{ name: "unit", value: definition.unit }] : []),
    ...terminology.categoriesOf(code).map((value) => ({ name: "category", value })),
  ];
}

function isOwn(url: string): boolean {
  return url.startsWith("https://wellapi.dev/");
}

function unique(codes: readonly KnownCode[]): KnownCode[] {
  return [...new Map(codes.map((one) => [one.code, one])).values()];
}
