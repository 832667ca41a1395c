import type { NodeEntry, ProfileEntry } from "./profiles.ts";

/**
 * What the profiles of International Patient Access ask for, read from github.com/HL7/fhir-ipa (CC0 1.0),
 * `input/resources/StructureDefinition-*.json`: 1.1.0 at the branch `master`, 1.0.0 at `publish-STU1`. Where both ask for the same, both
 * are named. The words of the rules are ours.
 */
const both = ["1.0.0", "1.1.0"];
const newest = ["1.1.0"];

const absent = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

const ofPatient: NodeEntry = { name: "subject", targets: ["Patient"] };

const profiles: Readonly<Record<string, ProfileEntry>> = {
  "ipa-patient": {
    type: "Patient",
    versions: newest,
    root: {
      name: "Patient",
      invariants: [
        rule(
          "ipa-pat-4",
          "A patient with links says whether it is active",
          "link.exists() implies active.exists()",
        ),
      ],
      children: [
        {
          name: "identifier",
          min: 1,
          invariants: [
            rule(
              "ipa-pat-1",
              "An identifier has a system, a type or an assigner",
              "system.exists() or type.exists() or assigner.exists()",
            ),
          ],
          children: [{ name: "value", min: 1 }],
        },
        {
          name: "name",
          invariants: [
            rule(
              "ipa-pat-2",
              "A name has a family, given or whole name, or else says why there is none",
              `(family.exists() or given.exists() or text.exists()) xor extension.where(url='${absent}').exists()`,
            ),
            { ...rule("ipa-pat-3", "A name should have its text", "text.exists()"), severity: "warning" },
          ],
        },
      ],
    },
  },
  "ipa-observation": {
    type: "Observation",
    versions: both,
    root: {
      name: "Observation",
      invariants: [
        rule(
          "ipa-obs-1",
          "An observation without components and members has a value, or says why there is none",
          "(component.empty() and hasMember.empty()) implies (dataAbsentReason.exists() or value.exists())",
        ),
      ],
      children: [{ ...ofPatient, min: 1 }],
    },
  },
  "ipa-condition": {
    type: "Condition",
    versions: both,
    root: { name: "Condition", children: [{ name: "code", min: 1 }, ofPatient] },
  },
  "ipa-problem-list-item": {
    type: "Condition",
    versions: both,
    root: {
      name: "Condition",
      children: [
        { name: "category", min: 1 },
        {
          name: "category",
          slice: "problem-list-item",
          by: [{ type: "value", path: "$this" }],
          min: 1,
          max: 1,
          pattern: {
            coding: [
              {
                system: "http://terminology.hl7.org/CodeSystem/condition-category",
                code: "problem-list-item",
              },
            ],
          },
        },
        { name: "code", min: 1 },
        ofPatient,
      ],
    },
  },
  "ipa-allergyintolerance": {
    type: "AllergyIntolerance",
    versions: both,
    root: { name: "AllergyIntolerance", children: [{ name: "code", min: 1 }] },
  },
  "ipa-medication": {
    type: "Medication",
    versions: both,
    root: { name: "Medication", children: [{ name: "code", min: 1 }] },
  },
  "ipa-medicationrequest": {
    type: "MedicationRequest",
    versions: newest,
    root: {
      name: "MedicationRequest",
      children: [
        { name: "reported[x]", targets: ["Patient", "Practitioner", "PractitionerRole"] },
        ofPatient,
      ],
    },
  },
  "ipa-medicationstatement": {
    type: "MedicationStatement",
    versions: both,
    root: { name: "MedicationStatement", children: [ofPatient] },
  },
  // It asks for nothing that R4 does not ask for.
  "ipa-immunization": { type: "Immunization", versions: both, root: { name: "Immunization" } },
  "ipa-documentreference": {
    type: "DocumentReference",
    versions: newest,
    root: {
      name: "DocumentReference",
      children: [
        { ...ofPatient, min: 1 },
        {
          name: "content",
          children: [
            {
              name: "attachment",
              invariants: [
                rule("ipa-doc-1", "An attachment has a url or data", "url.exists() or data.exists()"),
              ],
              children: [{ name: "contentType", min: 1 }],
            },
          ],
        },
        { name: "context", children: [{ name: "encounter", max: 1 }] },
      ],
    },
  },
  "ipa-practitioner": {
    type: "Practitioner",
    versions: both,
    root: {
      name: "Practitioner",
      children: [
        {
          name: "name",
          min: 1,
          invariants: [
            { ...rule("ipa-pract-1", "A name should have its text", "text.exists()"), severity: "warning" },
          ],
        },
      ],
    },
  },
  // Nor does this.
  "ipa-practitionerrole": { type: "PractitionerRole", versions: both, root: { name: "PractitionerRole" } },
};

/** By canonical URL. */
export const patientAccess: Readonly<Record<string, ProfileEntry>> = Object.fromEntries(
  Object.entries(profiles).map(([name, entry]) => [
    `http://hl7.org/fhir/uv/ipa/StructureDefinition/${name}`,
    entry,
  ]),
);

function rule(key: string, human: string, expression: string) {
  return { key, severity: "error" as const, human, expression };
}
