import { resourceTypes } from "@wellapi/fhir-r4";
import { shippedTerminology } from "@wellapi/terminology";

/** Search parameters of HL7 that find what records keep a digest of, by what it is to records. */
export interface TypeParameters {
  readonly code?: string;
  readonly category?: string;
  readonly status?: string;
  readonly date?: string;
}

const usual: TypeParameters = { code: "code", category: "category", status: "status", date: "date" };

const byType: Readonly<Record<string, TypeParameters>> = {
  Observation: usual,
  DiagnosticReport: usual,
  Procedure: usual,
  Condition: { code: "code", category: "category", status: "clinical-status", date: "onset-date" },
  AllergyIntolerance: { code: "code", status: "clinical-status", date: "date" },
  Immunization: { code: "vaccine-code", status: "status", date: "date" },
  MedicationStatement: { code: "code", category: "category", status: "status", date: "effective" },
  MedicationRequest: { code: "code", category: "category", status: "status", date: "authoredon" },
  Encounter: { code: "type", status: "status", date: "date" },
  ServiceRequest: { code: "code", category: "category", status: "status", date: "authored" },
  DocumentReference: { code: "type", category: "category", status: "status", date: "date" },
  CarePlan: { category: "category", status: "status", date: "date" },
  Goal: { category: "category", status: "lifecycle-status", date: "start-date" },
  QuestionnaireResponse: { status: "status", date: "authored" },
  NutritionOrder: { status: "status", date: "datetime" },
  Claim: { status: "status", date: "created" },
  ExplanationOfBenefit: { status: "status", date: "created" },
};

/** Resource types that a patient's record can hold: those that fall into a category. Sorted. */
export const servedTypes: readonly string[] = resourceTypes()
  .filter(
    (type) =>
      type === "Observation" ||
      "keys" in shippedTerminology.classify({ types: [type], codings: [], observations: [] }),
  )
  .sort();

const served: ReadonlySet<string> = new Set(servedTypes);

export function isServed(type: string): boolean {
  return served.has(type);
}

export function parametersOf(type: string): TypeParameters {
  return Object.hasOwn(byType, type) ? byType[type]! : {};
}
