import { isUnit, UCUM } from "@wellapi/terminology";
import { CodesError } from "../errors.ts";
import type { CodeSystem, ValueSet } from "./catalog.ts";

/** HL7's value set of all UCUM codes. */
export const allUnits = "http://hl7.org/fhir/ValueSet/ucum-units";

const unitOf = (code: string) => ({ system: UCUM, code, display: "", inactive: false });

/** UCUM is a grammar: its codes are judged, and cannot be listed. */
export const units: CodeSystem = {
  url: UCUM,
  title: "Unified Code for Units of Measure (UCUM)",
  version: "",
  complete: true,
  find: async (code) => (isUnit(code) ? unitOf(code) : undefined),
};

export function unitSet(url: string): ValueSet {
  return {
    url,
    title: "All UCUM codes",
    version: "",
    unclosed: true,
    find: async (system, code) =>
      (system === "" || system === UCUM) && isUnit(code) ? unitOf(code) : undefined,
    page: async () => {
      throw new CodesError("expansion_too_costly");
    },
  };
}
