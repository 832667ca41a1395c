/** What a profile means by "has at least this": asked of profiles with several values at one place, which no shipped one has. */
import { type FhirResource, type Profile, parseJson, validate } from "@wellapi/fhir-r4";
import { expect, test } from "vitest";
import { pressure } from "./planted-profiles.ts";

const loinc = "http://loinc.org";
const own = "http://example.org/codes";
const coding = (system: string, code: string) => ({ system, code });

/** The errors of an Observation by a profile with one element. */
function errorsOf(change: object, child: NonNullable<Profile["root"]["children"]>[number]): unknown[] {
  const profile: Profile = {
    url: "http://example.org/StructureDefinition/asked",
    versions: ["1"],
    type: "Observation",
    root: { name: "Observation", children: [child] },
  };
  const resource = parseJson(JSON.stringify({ ...pressure, meta: undefined, ...change })) as FhirResource;
  return validate(resource, [profile])
    .filter(({ severity }) => severity === "error")
    .map(({ expression }) => expression);
}

test("a pattern with two codings asks for both, in any order and beside others", () => {
  const asked = { coding: [coding(loinc, "85354-9"), coding(own, "bp")] };
  const of = (...codings: object[]) =>
    errorsOf({ code: { coding: codings } }, { name: "code", pattern: asked });
  expect(of(asked.coding[0]!)).toEqual(["Observation.code"]);
  expect(of(asked.coding[1]!)).toEqual(["Observation.code"]);
  // Each half of what is asked, in another coding each.
  expect(of(coding(loinc, "bp"), coding(own, "85354-9"))).toEqual(["Observation.code"]);
  expect(of(coding(own, "bp"), coding(own, "other"), coding(loinc, "85354-9"))).toEqual([]);
});

test("a slice that two values tell apart is only where both are", () => {
  const asked = { coding: [coding(loinc, "8480-6"), coding(own, "sys")] };
  const of = (...codings: object[]) =>
    errorsOf(
      { component: [{ code: { coding: codings }, valueInteger: 120 }] },
      {
        name: "component",
        slice: "systolic",
        by: [{ type: "value", path: "code.coding.code" }],
        min: 1,
        children: [{ name: "code", pattern: asked }],
      },
    );
  expect(of(asked.coding[0]!)).toEqual(["Observation"]);
  expect(of(...asked.coding)).toEqual([]);
});

test("a component is of its slice also where it has codes of other systems", () => {
  const [systolic, diastolic] = pressure.component;
  const codings = [coding(own, "sys"), ...systolic!.code.coding];
  const component = [{ ...systolic!, code: { coding: codings } }, diastolic];
  const resource = parseJson(JSON.stringify({ ...pressure, component }));
  expect(validate(resource).filter(({ severity }) => severity === "error")).toEqual([]);
});

test("one coding of a concept has to be of the value set, and one is enough", () => {
  const bound = { name: "category", codes: "medicationrequest-category" };
  const of = (...codings: object[]) => errorsOf({ category: [{ coding: codings }] }, bound);
  const known = coding("http://terminology.hl7.org/CodeSystem/medicationrequest-category", "inpatient");
  expect(of(known)).toEqual([]);
  expect(of(coding(own, "inpatient"), known)).toEqual([]);
  expect(of(coding(own, "inpatient"))).toEqual(["Observation.category[0]"]);
  expect(of(coding(known.system, "nowhere"))).toEqual(["Observation.category[0]"]);
});
