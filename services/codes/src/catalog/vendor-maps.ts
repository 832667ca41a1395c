import { vendorCodes } from "@wellapi/normalize";
import type { Terminology } from "@wellapi/terminology";
import type { KnownCode } from "./catalog.ts";

/** One line of a map. */
export interface Mapping {
  readonly source: { readonly system: string; readonly code: string };
  /** Undefined: it is known that there is none. */
  readonly target: KnownCode | undefined;
  readonly comment: string;
}

export interface ConceptMap {
  readonly url: string;
  readonly mappings: readonly Mapping[];
}

/** URI of a vendor's names as a code system. */
export function vendorSystem(vendor: string): string {
  return `https://wellapi.dev/fhir/CodeSystem/vendor-${vendor}`;
}

/** The tables by which vendors' documents become the exchange's data (packages/normalize), a map a vendor. */
export function vendorMaps(terminology: Terminology): readonly ConceptMap[] {
  const byVendor = Map.groupBy(vendorCodes, ({ vendor }) => vendor);
  return [...byVendor].map(([vendor, codes]) => ({
    url: `https://wellapi.dev/fhir/ConceptMap/vendor-${vendor}`,
    mappings: codes.map(({ name, code, unit, why }) => {
      const source = { system: vendorSystem(vendor), code: name };
      const definition = code === undefined ? undefined : terminology.findAnyCode(code);
      if (definition === undefined) return { source, target: undefined, comment: why ?? "" };
      const { system, display } = definition;
      const comment = unit === undefined ? "" : `in ${unit}`;
      return { source, target: { system, code: definition.code, display, inactive: false }, comment };
    }),
  }));
}
