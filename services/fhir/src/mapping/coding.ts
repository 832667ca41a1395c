import type { FhirObject } from "@wellapi/fhir-r4";
import {
  codesOfCategories,
  DATA_CATEGORY_SYSTEM,
  LOINC,
  OBSERVATION_CATEGORY_SYSTEM,
  shippedTerminology,
} from "@wellapi/terminology";
import { generalCodeOf } from "./general-codes.ts";

/** Codes that only this exchange has. */
const ownSystem = "https://wellapi.dev/fhir/CodeSystem";

/** A coding of the contracts: an empty system is LOINC. */
export interface CodingParts {
  readonly system: string;
  readonly code: string;
  readonly display: string;
}

export function codingOf({ system, code, display }: CodingParts): FhirObject {
  return { system: system === "" ? LOINC : system, code, ...(display !== "" && { display }) };
}

/** What was measured: its code, those that its sender gave beside it, and the general one that profiles ask for. */
export function measuredCodings(code: CodingParts, others: readonly CodingParts[] = []): FhirObject[] {
  const codings = [code, ...others].map(codingOf);
  const general = generalCodeOf(code);
  const isThere = codings.some((one) => one.system === general?.system && one.code === general?.code);
  return general === undefined || isThere ? codings : [...codings, codingOf(general)];
}

export function conceptOf(coding: CodingParts): FhirObject {
  return { coding: [codingOf(coding)] };
}

/** HL7's categories of observations, by the exchange's codes. */
const hl7Categories = ["vital-signs", "activity", "laboratory", "survey"].map((name) => ({
  name,
  codes: codesOfCategories(shippedTerminology, [`${OBSERVATION_CATEGORY_SYSTEM}|${name}`]),
}));

/** `Observation.category` of a code: HL7's, and those that consents name. */
export function categoriesOf(code: string): readonly FhirObject[] {
  const hl7 = hl7Categories
    .filter(({ codes }) => codes.has(code))
    .map(({ name }) => ({ coding: [{ system: OBSERVATION_CATEGORY_SYSTEM, code: name }] }));
  const own = shippedTerminology
    .categoriesOf(code)
    .map((name) => ({ coding: [{ system: DATA_CATEGORY_SYSTEM, code: name }] }));
  return [...hl7, ...own];
}

/** How a value came about, by the number of the contract's enum; the first is: not stated. */
const captures = [
  undefined,
  ["sensed", "A sensor measured it"],
  ["derived", "A program derived it from measurements"],
  ["self-reported", "The patient entered it"],
  ["clinician", "A clinician took it"],
] as const;

/** `Observation.method`: the technique where it is named, and how the value came about. */
export function methodOf(technique: CodingParts | undefined, capture: number): FhirObject {
  const [code, display] = captures[capture] ?? [];
  const coding = [
    ...(technique === undefined ? [] : [codingOf(technique)]),
    ...(code === undefined ? [] : [{ system: `${ownSystem}/capture-method`, code, display: display! }]),
  ];
  return coding.length === 0 ? {} : { method: { coding } };
}
