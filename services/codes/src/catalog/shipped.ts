import { type Terminology, UCUM } from "@wellapi/terminology";
import type { Catalog, CodeSystem, ValueSet } from "./catalog.ts";
import { hl7CodeSystems, hl7ValueSets } from "./code-lists.ts";
import { exchangeSystems, exchangeValueSets } from "./exchange-codes.ts";
import { allUnits, unitSet, units } from "./units.ts";

/** What ships, and what the installation's own documents add to the exchange's codes. */
export function createShippedCatalog(terminology: Terminology): Catalog {
  const systems = versionsBy([...exchangeSystems(terminology), ...hl7CodeSystems(), units]);
  const sets = versionsBy([
    ...exchangeValueSets(terminology),
    ...hl7ValueSets(),
    unitSet(allUnits),
    unitSet(`${UCUM}?fhir_vs`),
  ]);
  return {
    codeSystem: async (url, version) => chosen(systems.get(url), version),
    valueSet: async (url, version) => chosen(sets.get(url), version),
  };
}

function versionsBy<T extends CodeSystem | ValueSet>(all: readonly T[]): ReadonlyMap<string, readonly T[]> {
  return Map.groupBy(all, ({ url }) => url);
}

/** The last of them is the newest. */
function chosen<T extends CodeSystem | ValueSet>(
  versions: readonly T[] | undefined,
  version: string,
): T | undefined {
  return version === "" ? versions?.at(-1) : versions?.find((one) => one.version === version);
}
