/** An Observation that is right by R4. */
export const rightObservation = {
  resourceType: "Observation",
  id: "o1",
  text: { status: "generated", div: '<div xmlns="http://www.w3.org/1999/xhtml">36.6 Cel</div>' },
  status: "final",
  category: [
    {
      coding: [
        {
          system: "http://terminology.hl7.org/CodeSystem/observation-category",
          code: "vital-signs",
          display: "Vital Signs",
        },
      ],
    },
  ],
  code: { text: "Body temperature" },
  subject: { reference: "Patient/p1" },
  performer: [{ display: "Clinic" }],
  effectiveDateTime: "2026-02-28T08:00:00+01:00",
  valueQuantity: { value: 36.6, unit: "Cel", system: "http://unitsofmeasure.org", code: "Cel" },
};

/** What each changes to make it wrong; `undefined` leaves a property out. */
export const plantedFaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "a property that the type does not have": { colour: "red" },
  "a required element left out": { status: undefined },
  "a code outside a required set": { status: "finished" },
  "a day that the calendar does not have": { effectiveDateTime: "2026-02-30" },
  "a time without zone": { effectiveDateTime: "2026-02-28T08:00:00" },
  "an instant without zone": { issued: "2026-02-28T08:00:00" },
  "two types of one choice": { valueString: "warm" },
  "an array where an element does not repeat": { status: ["final"] },
  "no array where an element repeats": { note: { text: "a" } },
  "an empty array": { note: [] },
  "an empty object": { note: [{ text: "a" }, {}] },
  "an empty string": { note: [{ text: "" }] },
  "a number in quotes": { valueQuantity: { value: "36.6" } },
  "a number where a string belongs": { method: { text: 3 } },
  "a text where an object belongs": { method: "thermometer" },
  "a reference to another type": { subject: { reference: "Medication/m" } },
  "a reference to nothing within": { device: { reference: "#d" } },
  "an id with spaces": { id: "a b" },
  "an extension with neither value nor parts": { extension: [{ url: "http://a.example" }] },
  "an extension without url": { extension: [{ valueString: "a" }] },
  "a contained resource that nothing refers to": { contained: [{ resourceType: "Device", id: "d" }] },
  "a narrative with a script": {
    text: { status: "generated", div: '<div xmlns="http://www.w3.org/1999/xhtml"><script>1</script></div>' },
  },
  "a reason for no value beside a value (obs-6)": { dataAbsentReason: { text: "unknown" } },
  "a component's code that is the resource's, beside a value (obs-7)": {
    code: { coding: [{ system: "http://a.example", code: "a" }] },
    component: [{ code: { coding: [{ system: "http://a.example", code: "a" }] }, valueInteger: 1 }],
  },
  "a unit's code without system (qty-3)": { valueQuantity: { value: 36.6, code: "Cel" } },
  "a period that ends before it starts (per-1)": {
    effectiveDateTime: undefined,
    effectivePeriod: { start: "2026-02-28", end: "2026-02-27" },
  },
  "a range whose low is above its high (rng-2)": {
    valueQuantity: undefined,
    valueRange: { low: { value: 5 }, high: { value: 3 } },
  },
  "a range of reference without text or bounds (obs-3)": { referenceRange: [{ age: { low: { value: 1 } } }] },
};

/** The Observation with a change. */
export function observationWith(change: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...rightObservation, ...change });
}
