/** What US Core's vital signs ask for, read from the guide once more. */
import { absent, type Faults, type GuideCase, text } from "./guide-case.ts";
import { pressure } from "./planted-profiles.ts";

const loinc = "http://loinc.org";
const ucum = "http://unitsofmeasure.org";
const coded = (...codes: string[]) => ({ coding: codes.map((code) => ({ system: loinc, code })) });

const usCore = ["6.1.0", "7.0.0", "8.0.0", "8.0.1"];
const { component: _components, meta: _meta, ...vitalSign } = { ...pressure, text };

/** Faults that each vital sign of US Core may have. */
const ofVitalSigns: Faults = {
  "no category": [{ category: undefined }, "Observation"],
  "the category of another system": [
    { category: [{ coding: [{ system: "http://example.org", code: "vital-signs" }] }] },
    "Observation",
  ],
  "another category": [
    { category: [{ coding: [{ ...pressure.category[0]!.coding[0], code: "laboratory" }] }] },
    "Observation",
  ],
  "the category twice": [
    { category: [...pressure.category, ...pressure.category] },
    "Observation.category[0]",
  ],
  "no subject": [{ subject: undefined }, "Observation"],
  "a subject that is no patient": [{ subject: { reference: "Device/scale" } }, "Observation.subject"],
  "a contained subject that is no patient": [
    { contained: [{ resourceType: "Device", id: "scale" }], subject: { reference: "#scale" } },
    "Observation.subject",
  ],
  "no time": [{ effectiveDateTime: undefined }, "Observation"],
  "a month for a time": [{ effectiveDateTime: "2026-03" }, "Observation.effective"],
  "an instant": [
    { effectiveDateTime: undefined, effectiveInstant: "2026-03-01T08:00:00Z" },
    "Observation.effective",
  ],
  "neither a value nor why there is none": [
    { valueQuantity: undefined, component: undefined },
    "Observation",
  ],
  "a component without a value": [{ component: [{ code: coded("8357-6") }] }, "Observation.component[0]"],
};

const quantityOf = (code: string, value = 1) => ({ value, unit: code, system: ucum, code });

/** Faults of a quantity at a place, which `put` places into the resource, of a part with a name. */
function ofQuantity(unit: string, at: string, put: (value: object) => object, part = ""): Faults {
  const without = (name: string) => put({ valueQuantity: { ...quantityOf(unit), [name]: undefined } });
  const faults: Faults = {
    "another unit": [put({ valueQuantity: quantityOf("mol") }), `${at}.value.code`],
    "a unit of another system": [
      put({ valueQuantity: { ...quantityOf(unit), system: "http://example.org" } }),
      `${at}.value.system`,
    ],
    "a quantity without a number": [without("value"), `${at}.value`],
    "a unit without words": [without("unit"), `${at}.value`],
    "a unit without a code": [
      put({ valueQuantity: { value: 1, unit, system: ucum, code: undefined } }),
      `${at}.value`,
    ],
    "a unit without a system": [
      // Of a code without a system R4 itself says that it is wrong (qty-3).
      put({ valueQuantity: { value: 1, unit } }),
      `${at}.value`,
    ],
    "words for a value": [put({ valueQuantity: undefined, valueString: "much" }), `${at}.value`],
  };
  return Object.fromEntries(Object.entries(faults).map(([fault, one]) => [`${part}${fault}`, one]));
}

/** LOINC code, unit, others that are permitted. */
const quantities: Readonly<
  Record<string, readonly [code: string, unit: string, others?: readonly string[]]>
> = {
  "us-core-bmi": ["39156-5", "kg/m2"],
  "us-core-body-height": ["8302-2", "cm", ["[in_i]"]],
  "us-core-body-weight": ["29463-7", "kg", ["g", "[lb_av]"]],
  "us-core-body-temperature": ["8310-5", "Cel", ["[degF]"]],
  "us-core-head-circumference": ["9843-4", "cm", ["[in_i]"]],
  "us-core-heart-rate": ["8867-4", "/min"],
  "us-core-respiratory-rate": ["9279-1", "/min"],
  "pediatric-bmi-for-age": ["59576-9", "%"],
  "pediatric-weight-for-height": ["77606-2", "%"],
  "head-occipital-frontal-circumference-percentile": ["8289-1", "%"],
};

function quantityCase(code: string, unit: string, others: readonly string[]): GuideCase {
  const permitted = others.map((one) => [`in ${one}`, { valueQuantity: quantityOf(one) }] as const);
  return {
    versions: usCore,
    right: { ...vitalSign, code: coded(code), valueQuantity: quantityOf(unit) },
    permitted: {
      ...Object.fromEntries(permitted),
      "no value, and why": { valueQuantity: undefined, ...absent },
      "codes of others beside its own": { code: coded("1-8", code) },
    },
    faults: {
      ...ofVitalSigns,
      ...ofQuantity(unit, "Observation", (change) => change),
      "another code": [{ code: coded("8357-6") }, "Observation.code"],
      "the code of another system": [
        { code: { coding: [{ system: "http://example.org", code }] } },
        "Observation.code",
      ],
    },
  };
}

const flow = { code: coded("3151-8"), valueQuantity: quantityOf("L/min", 6) };
const oxygen = { code: coded("3150-0"), valueQuantity: quantityOf("%", 40) };
const [systolic, diastolic] = pressure.component;
const { "neither a value nor why there is none": _none, ...ofPressure } = ofVitalSigns;

/** By the profile's id. */
export const plantedInUsCore: Readonly<Record<string, GuideCase>> = {
  "us-core-vital-signs": {
    versions: usCore,
    right: { ...vitalSign, code: coded("8867-4"), valueQuantity: quantityOf("/min", 60) },
    permitted: { "a value of another type": { valueQuantity: undefined, valueInteger: 60 } },
    faults: ofVitalSigns,
  },
  "us-core-blood-pressure": {
    versions: ["5.0.1", ...usCore],
    right: { ...vitalSign, component: pressure.component },
    permitted: {
      "a component beside": {
        component: [systolic, diastolic, { code: coded("8478-0"), valueQuantity: quantityOf("mm[Hg]", 93) }],
      },
      "a component without a value, and why": { component: [systolic, { code: diastolic!.code, ...absent }] },
    },
    faults: {
      ...ofPressure,
      ...ofQuantity(
        "mm[Hg]",
        "Observation.component[0]",
        (change) => ({ component: [{ code: systolic!.code, ...change }, diastolic] }),
        "systolic: ",
      ),
      ...ofQuantity(
        "mm[Hg]",
        "Observation.component[1]",
        (change) => ({ component: [systolic, { code: diastolic!.code, ...change }] }),
        "diastolic: ",
      ),
      "another code": [{ code: coded("8357-6") }, "Observation.code"],
      "no systolic one": [{ component: [diastolic] }, "Observation"],
      "no diastolic one": [{ component: [systolic] }, "Observation"],
      "two systolic ones": [{ component: [systolic, systolic, diastolic] }, "Observation.component[0]"],
      "two diastolic ones": [{ component: [systolic, diastolic, diastolic] }, "Observation.component[1]"],
      "no components": [{ component: undefined }, "Observation"],
    },
  },
  "us-core-pulse-oximetry": {
    versions: usCore,
    right: {
      ...vitalSign,
      code: coded("59408-5", "2708-6"),
      valueQuantity: quantityOf("%", 97),
      component: [flow, oxygen],
    },
    permitted: { "in air": { component: undefined } },
    faults: {
      ...ofVitalSigns,
      ...ofQuantity("%", "Observation", (change) => change),
      "without the code of pulse oximetry": [{ code: coded("2708-6", "20564-1") }, "Observation.code"],
      "without the general code": [{ code: coded("59408-5", "20564-1") }, "Observation.code"],
      "the general code twice": [
        { code: coded("59408-5", "2708-6", "2708-6") },
        "Observation.code.coding[1]",
      ],
      "a code twice": [{ code: coded("59408-5", "59408-5", "2708-6") }, "Observation.code.coding[0]"],
      ...ofQuantity(
        "L/min",
        "Observation.component[0]",
        (change) => ({ component: [{ code: flow.code, ...change }] }),
        "flow: ",
      ),
      ...ofQuantity(
        "%",
        "Observation.component[0]",
        (change) => ({ component: [{ code: oxygen.code, ...change }] }),
        "concentration: ",
      ),
      "two flows": [{ component: [flow, flow] }, "Observation.component[0]"],
      "two concentrations": [{ component: [oxygen, oxygen] }, "Observation.component[0]"],
    },
  },
  ...Object.fromEntries(
    Object.entries(quantities).map(([name, [code, unit, others = []]]) => [
      name,
      quantityCase(code, unit, others),
    ]),
  ),
};
