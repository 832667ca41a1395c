/** A blood pressure as HL7's profile asks for it, and what is planted into it. */
const core = "http://hl7.org/fhir/StructureDefinition";
const loinc = "http://loinc.org";

const quantity = (value: number, code = "mm[Hg]") => ({
  value,
  unit: "mmHg",
  system: "http://unitsofmeasure.org",
  code,
});
const component = (code: string, value: number) => ({
  code: { coding: [{ system: loinc, code }] },
  valueQuantity: quantity(value),
});

export const pressure = {
  resourceType: "Observation",
  meta: { profile: [`${core}/bp`] },
  text: { status: "generated", div: '<div xmlns="http://www.w3.org/1999/xhtml">A blood pressure</div>' },
  status: "final",
  category: [
    {
      coding: [{ system: "http://terminology.hl7.org/CodeSystem/observation-category", code: "vital-signs" }],
    },
  ],
  code: { coding: [{ system: loinc, code: "85354-9" }] },
  subject: { reference: "Patient/example" },
  effectiveDateTime: "2026-03-01T08:00:00+01:00",
  component: [component("8480-6", 120), component("8462-4", 80)],
};

/** By what is wrong: the changed part, and where the profile says so. */
export const plantedInProfiles: Readonly<Record<string, readonly [change: object, place: string]>> = {
  "no category": [{ category: undefined }, "Observation"],
  "another category": [
    { category: [{ coding: [{ system: "http://example.org", code: "vital-signs" }] }] },
    "Observation",
  ],
  "another code": [{ code: { coding: [{ system: loinc, code: "8867-4" }] } }, "Observation.code"],
  "no subject": [{ subject: undefined }, "Observation"],
  "no time": [{ effectiveDateTime: undefined }, "Observation"],
  "a month for a time": [{ effectiveDateTime: "2026-03" }, "Observation.effective"],
  "a time of another type": [
    { effectiveDateTime: undefined, effectiveInstant: "2026-03-01T08:00:00Z" },
    "Observation.effective",
  ],
  "a value beside the components": [{ valueQuantity: quantity(1) }, "Observation.value"],
  "no diastolic one": [{ component: [component("8480-6", 120)] }, "Observation"],
  "two systolic ones": [
    { component: [component("8480-6", 120), component("8480-6", 121), component("8462-4", 80)] },
    "Observation.component[0]",
  ],
  "another unit": [
    {
      component: [
        component("8480-6", 120),
        { ...component("8462-4", 80), valueQuantity: quantity(8, "kPa") },
      ],
    },
    "Observation.component[1].value.code",
  ],
  "a component without a value": [
    { component: [component("8480-6", 120), { code: { coding: [{ system: loinc, code: "8462-4" }] } }] },
    "Observation.component[1]",
  ],
};
