/** What International Patient Access asks for, read from the guide once more. */
import { absent, type GuideCase, text } from "./guide-case.ts";

const patient = { reference: "Patient/example" };
const unknown = {
  extension: [{ url: "http://hl7.org/fhir/StructureDefinition/data-absent-reason", valueCode: "unknown" }],
};
const both = ["1.0.0", "1.1.0"];
const ofGroup = { subject: { reference: "Group/all" } };
const concept = { text: "As it was told" };
const status = (name: string, code: string) => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${name}`, code }],
});
const problem = status("condition-category", "problem-list-item");
const attachment = { contentType: "text/plain", data: "aGVsbG8=" };

/** By the profile's id. */
export const plantedInPatientAccess: Readonly<Record<string, GuideCase>> = {
  "ipa-patient": {
    versions: ["1.1.0"],
    right: {
      resourceType: "Patient",
      text,
      identifier: [{ system: "urn:x", value: "1" }],
      name: [{ text: "A Person", family: "Person" }],
    },
    permitted: {
      "an identifier with a type": { identifier: [{ type: concept, value: "1" }] },
      "an identifier of an assigner": { identifier: [{ assigner: { display: "A clinic" }, value: "1" }] },
      "an identifier that is not told": { identifier: [{ system: "urn:x", _value: unknown }] },
      "a name that is not known": { name: [unknown] },
      "no name": { name: undefined },
      "a link, and whether it is active": {
        link: [{ other: { reference: "Patient/other" }, type: "seealso" }],
        active: true,
      },
    },
    faults: {
      "no identifier": [{ identifier: undefined }, "Patient"],
      "an identifier without a value": [{ identifier: [{ system: "urn:x" }] }, "Patient.identifier[0]"],
      "an identifier of nobody": [{ identifier: [{ value: "1" }] }, "Patient.identifier[0]"],
      "an empty name": [{ name: [{ use: "official" }] }, "Patient.name[0]"],
      "a name that is told and not known": [{ name: [{ text: "A Person", ...unknown }] }, "Patient.name[0]"],
      "a link without whether it is active": [
        { link: [{ other: { reference: "Patient/other" }, type: "seealso" }] },
        "Patient",
      ],
    },
  },
  "ipa-observation": {
    versions: both,
    right: {
      resourceType: "Observation",
      text,
      status: "final",
      code: concept,
      subject: patient,
      valueString: "better",
    },
    permitted: {
      "no value, and why": { valueString: undefined, ...absent },
      "members in place of a value": {
        valueString: undefined,
        hasMember: [{ reference: "Observation/part" }],
      },
      false: { valueString: undefined, valueBoolean: false },
    },
    faults: {
      "no value": [{ valueString: undefined }, "Observation"],
      "no subject": [{ subject: undefined }, "Observation"],
      "a subject that is no patient": [ofGroup, "Observation.subject"],
    },
  },
  "ipa-condition": {
    versions: both,
    right: {
      resourceType: "Condition",
      text,
      clinicalStatus: status("condition-clinical", "active"),
      code: concept,
      subject: patient,
    },
    faults: {
      "no code": [{ code: undefined }, "Condition"],
      "a subject that is no patient": [ofGroup, "Condition.subject"],
    },
  },
  "ipa-problem-list-item": {
    versions: both,
    right: {
      resourceType: "Condition",
      text,
      clinicalStatus: status("condition-clinical", "active"),
      category: [problem],
      code: concept,
      subject: patient,
    },
    faults: {
      "no category": [{ category: undefined }, "Condition"],
      "another category": [{ category: [concept] }, "Condition"],
      "the category twice": [{ category: [problem, problem] }, "Condition.category[0]"],
      "no code": [{ code: undefined }, "Condition"],
      "a subject that is no patient": [ofGroup, "Condition.subject"],
    },
  },
  "ipa-allergyintolerance": {
    versions: both,
    right: {
      resourceType: "AllergyIntolerance",
      text,
      clinicalStatus: status("allergyintolerance-clinical", "active"),
      code: concept,
      patient,
    },
    faults: { "no code": [{ code: undefined }, "AllergyIntolerance"] },
  },
  "ipa-medication": {
    versions: both,
    right: { resourceType: "Medication", text, code: concept },
    faults: { "no code": [{ code: undefined }, "Medication"] },
  },
  "ipa-medicationrequest": {
    versions: ["1.1.0"],
    right: {
      resourceType: "MedicationRequest",
      text,
      status: "active",
      intent: "order",
      medicationCodeableConcept: concept,
      subject: patient,
    },
    permitted: {
      "reported by the patient": { reportedReference: patient },
      "reported, and not by whom": { reportedBoolean: true },
      "asked for by an organization": { requester: { reference: "Organization/clinic" } },
    },
    faults: {
      "a subject that is no patient": [ofGroup, "MedicationRequest.subject"],
      "reported by an organization": [
        { reportedReference: { reference: "Organization/clinic" } },
        "MedicationRequest.reported",
      ],
    },
  },
  "ipa-medicationstatement": {
    versions: both,
    right: {
      resourceType: "MedicationStatement",
      text,
      status: "active",
      medicationCodeableConcept: concept,
      subject: patient,
    },
    faults: { "a subject that is no patient": [ofGroup, "MedicationStatement.subject"] },
  },
  "ipa-immunization": {
    versions: both,
    right: {
      resourceType: "Immunization",
      text,
      status: "completed",
      vaccineCode: concept,
      patient,
      occurrenceString: "as a child",
    },
    faults: {},
  },
  "ipa-documentreference": {
    versions: ["1.1.0"],
    right: {
      resourceType: "DocumentReference",
      text,
      status: "current",
      type: concept,
      subject: patient,
      content: [{ attachment }],
    },
    permitted: {
      elsewhere: { content: [{ attachment: { contentType: "text/plain", url: "https://example.org/1" } }] },
      "an author that is a device": { author: [{ reference: "Device/scanner" }] },
      "of one encounter": { context: { encounter: [{ reference: "Encounter/1" }] } },
    },
    faults: {
      "no subject": [{ subject: undefined }, "DocumentReference"],
      "a subject that is no patient": [ofGroup, "DocumentReference.subject"],
      "neither data nor where they are": [
        { content: [{ attachment: { contentType: "text/plain" } }] },
        "DocumentReference.content[0].attachment",
      ],
      "an attachment of no type": [
        { content: [{ attachment: { url: "https://example.org/1" } }] },
        "DocumentReference.content[0].attachment",
      ],
      "of two encounters": [
        { context: { encounter: [{ reference: "Encounter/1" }, { reference: "Encounter/2" }] } },
        "DocumentReference.context.encounter[0]",
      ],
    },
  },
  "ipa-practitioner": {
    versions: both,
    right: { resourceType: "Practitioner", text, name: [{ text: "A Physician" }] },
    faults: { "no name": [{ name: undefined }, "Practitioner"] },
  },
  "ipa-practitionerrole": {
    versions: both,
    right: { resourceType: "PractitionerRole", text, practitioner: { reference: "Practitioner/1" } },
    faults: {},
  },
};
