import { LOINC } from "@wellapi/terminology";
import type { CodingParts } from "./coding.ts";

/**
 * LOINC's codes that name a technique, and the code without it that HL7's profiles ask for beside them: oxygen saturation (`oxygensat` of
 * FHIR R4, `us-core-pulse-oximetry`).
 */
const generalCodes: ReadonlyMap<string, CodingParts> = new Map([
  ["59408-5", { system: LOINC, code: "2708-6", display: "Oxygen saturation in Arterial blood" }],
]);

/** The code without the technique, where a code of LOINC has one. */
export function generalCodeOf({ system, code }: Omit<CodingParts, "display">): CodingParts | undefined {
  return isLoinc(system) ? generalCodes.get(code) : undefined;
}

/** The codes of LOINC that measure by some technique what the code names. */
export function specificCodesOf({ system, code }: Omit<CodingParts, "display">): readonly string[] {
  if (!isLoinc(system)) return [];
  return [...generalCodes].flatMap(([specific, general]) => (general.code === code ? [specific] : []));
}

/** An empty system is LOINC. */
function isLoinc(system: string): boolean {
  return system === "" || system === LOINC;
}
