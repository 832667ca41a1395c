import { type FhirResource, parseJson, profileOf, profilesOf, validate } from "@wellapi/fhir-r4";
import { describe, expect, test } from "vitest";
import { examples } from "./examples.ts";
import { plantedInProfiles, pressure } from "./planted-profiles.ts";

const errorsOf = (resource: object) =>
  validate(parseJson(JSON.stringify(resource))).filter(({ severity }) => severity === "error");

describe("a resource that names a profile", () => {
  test("is valid where it is as the profile asks", () => {
    expect(errorsOf(pressure)).toEqual([]);
  });

  test("may have more than the profile asks for: it is open", () => {
    const more = { code: { coding: [{ system: "http://example.org", code: "1" }] }, valueString: "x" };
    const { code, component } = pressure;
    const coding = [{ system: "http://example.org", code: "bp" }, ...code.coding];
    expect(errorsOf({ ...pressure, code: { coding }, component: [more, ...component] })).toEqual([]);
  });

  test.each(Object.entries(plantedInProfiles))(
    "is refused with %s, at its place",
    (_fault, [change, place]) => {
      const errors = errorsOf({ ...pressure, ...change });
      expect(errors.map(({ expression }) => expression)).toContain(place);
      // By R4 itself nothing is wrong with it.
      expect(errorsOf({ ...pressure, ...change, meta: undefined })).toEqual([]);
    },
  );

  test("is judged by R4 alone where the profile, or this version of it, is not known here", () => {
    for (const profile of ["http://example.org/StructureDefinition/own", `${pressure.meta.profile[0]}|9.9`]) {
      expect(errorsOf({ ...pressure, subject: undefined, meta: { profile: [profile] } })).toEqual([]);
    }
  });

  test("of a guide without its version is told of, and not refused: another version may be meant", () => {
    const meta = { profile: ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-blood-pressure"] };
    const told = validate(parseJson(JSON.stringify({ ...pressure, meta, subject: undefined })));
    expect(told.map(({ severity, code }) => [severity, code])).toEqual([["warning", "required"]]);
  });

  test("of another type is refused", () => {
    const patient = { resourceType: "Patient", meta: pressure.meta };
    expect(errorsOf(patient).map(({ text }) => text)).toEqual(["The profile bp is of Observation"]);
  });

  test("of US Core's patient needs an identifier, a name and a gender", () => {
    const meta = { profile: ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|5.0.1"] };
    const patient = { resourceType: "Patient", meta, gender: "female", name: [{ family: "Ada" }] };
    expect(errorsOf(patient).map(({ text }) => text)).toEqual([
      expect.stringContaining("at least 1 identifier"),
    ]);
    expect(errorsOf({ ...patient, identifier: [{ system: "urn:x", value: "1" }] })).toEqual([]);
  });
});

test("a profile that nobody names is judged where it is asked for", () => {
  const bare = parseJson(
    JSON.stringify({ ...pressure, meta: undefined, subject: undefined }),
  ) as FhirResource;
  expect(validate(bare)).toEqual([]);
  const told = validate(bare, [profileOf(pressure.meta.profile[0]!)!]);
  expect(told.map(({ code, expression }) => [code, expression])).toEqual([["required", "Observation"]]);
});

test("HL7's own examples of vital signs are as their profiles ask", () => {
  const known = new Set(profilesOf("Observation"));
  const claiming = examples
    .map((text) => parseJson(text))
    .filter(({ meta }) =>
      JSON.stringify(meta ?? {})
        .match(/"(http[^"]+)"/g)
        ?.some((one) => known.has(one.slice(1, -1))),
    );
  expect(claiming.length).toBeGreaterThan(8);
  expect(claiming.flatMap((one) => validate(one).filter(({ severity }) => severity === "error"))).toEqual([]);
});
