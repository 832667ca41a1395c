import { FhirError, type FhirResource, parseJson, parseResource, validate } from "@wellapi/fhir-r4";
import { describe, expect, test } from "vitest";

/** An observation with the properties changed; `undefined` leaves one out. */
function observation(change: Record<string, unknown> = {}): FhirResource {
  const right = {
    resourceType: "Observation",
    status: "final",
    code: { coding: [{ system: "http://loinc.org", code: "8310-5" }] },
    subject: { reference: "Patient/p1" },
    effectiveDateTime: "2026-02-28T08:00:00+01:00",
    valueQuantity: { value: 36.6, unit: "Cel", system: "http://unitsofmeasure.org", code: "Cel" },
  };
  return parseJson(JSON.stringify({ ...right, ...change }));
}

/** `expression: code` of each finding. */
function faults(resource: FhirResource): string[] {
  return validate(resource).map(({ expression, code }) => `${expression}: ${code}`);
}

describe("a resource", () => {
  test("that is right has no findings", () => {
    expect(validate(observation())).toEqual([]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["a property that the type does not have", { colour: "red" }, "Observation: structure"],
    ["a required element left out", { status: undefined }, "Observation: required"],
    ["a code outside a required set", { status: "finished" }, "Observation.status: code-invalid"],
    [
      "a day that the calendar does not have",
      { effectiveDateTime: "2026-02-30" },
      "Observation.effective: value",
    ],
    ["a time without zone", { effectiveDateTime: "2026-02-28T08:00:00" }, "Observation.effective: value"],
    ["an instant without zone", { issued: "2026-02-28T08:00:00" }, "Observation.issued: value"],
    ["two types of one choice", { valueString: "warm" }, "Observation: structure"],
    ["an array where an element does not repeat", { status: ["final"] }, "Observation.status: structure"],
    ["no array where an element repeats", { note: { text: "a" } }, "Observation.note: structure"],
    ["an empty array", { note: [] }, "Observation.note: structure"],
    ["an empty object", { note: [{ text: "a" }, {}] }, "Observation.note[1]: invariant"],
    ["an empty string", { note: [{ text: "" }] }, "Observation.note[0].text: value"],
    ["null", { method: null }, "Observation.method: structure"],
    ["a number in quotes", { valueQuantity: { value: "36.6" } }, "Observation.value.value: value"],
    ["a number where a string belongs", { method: { text: 3 } }, "Observation.method.text: value"],
    ["a text where an object belongs", { method: "thermometer" }, "Observation.method: structure"],
    ["a reference to another type", { subject: { reference: "Medication/m" } }, "Observation.subject: value"],
    ["a reference of no form", { subject: { reference: "p1" } }, "Observation.subject: value"],
    ["a reference to nothing within", { device: { reference: "#d" } }, "Observation.device: value"],
    ["an id with spaces", { id: "a b" }, "Observation.id: value"],
    [
      "an extension with neither value nor parts",
      { extension: [{ url: "http://a.example" }] },
      "Observation.extension[0]: invariant",
    ],
    ["an extension without url", { extension: [{ valueString: "a" }] }, "Observation.extension[0]: required"],
    ["a control character", { note: [{ text: "a\u0000" }] }, "Observation.note[0].text: value"],
  ])("is refused for %s", (_what, change, fault) => {
    expect(faults(observation(change))).toContain(fault);
  });

  test("of a type that R4 does not have is refused", () => {
    expect(faults(parseJson('{"resourceType":"Dragon"}'))).toEqual(["Resource: structure"]);
    expect(faults(parseJson('{"resourceType":"DomainResource"}'))).toEqual(["Resource: structure"]);
    expect(faults(parseJson('{"resourceType":"Quantity"}'))).toEqual(["Resource: structure"]);
    expect(faults(parseJson('{"resourceType":"__proto__"}'))).toEqual(["Resource: structure"]);
  });

  test("may have a property called __proto__ no more than any other unknown one", () => {
    expect(faults(parseJson('{"resourceType":"Patient","__proto__":{"active":true}}'))).toEqual([
      "Patient: structure",
    ]);
  });

  test("may have a primitive with extensions and no value, also within a list", () => {
    const absent = {
      extension: [
        { url: "http://hl7.org/fhir/StructureDefinition/data-absent-reason", valueCode: "unknown" },
      ],
    };
    expect(
      faults(
        parseJson(
          JSON.stringify({
            resourceType: "Patient",
            _birthDate: absent,
            name: [{ given: ["A", null], _given: [null, absent] }],
          }),
        ),
      ),
    ).toEqual([]);
    expect(faults(parseJson('{"resourceType":"Patient","name":[{"given":["A",null]}]}'))).toEqual([
      "Patient.name[0].given[1]: structure",
    ]);
    expect(faults(parseJson('{"resourceType":"Patient","active":true,"_active":{"id":"a"}}'))).toEqual([]);
    expect(faults(parseJson('{"resourceType":"Patient","_active":{"id":"a"}}'))).toEqual([
      "Patient.active: invariant",
    ]);
  });

  test("has contained resources that are referred to, and hold none themselves", () => {
    const contained = (device: object) =>
      observation({
        contained: [{ resourceType: "Device", id: "d", ...device }],
        device: { reference: "#d" },
      });
    expect(faults(contained({}))).toEqual([]);
    expect(faults(contained({ meta: { versionId: "2" } }))).toEqual(["Observation.contained[0]: invariant"]);
    expect(faults(contained({ meta: { security: [{ code: "R" }] } }))).toEqual([
      "Observation.contained[0]: invariant",
    ]);
    expect(faults(contained({ contained: [{ resourceType: "Device", id: "e" }] }))).toContain(
      "Observation.contained[0]: invariant",
    );
    expect(faults(observation({ contained: [{ resourceType: "Device", id: "d" }] }))).toEqual([
      "Observation.contained[0]: invariant",
    ]);
    expect(faults(contained({ resourceType: "Patient" }))).toEqual(["Observation.device: value"]);
  });

  test("inside a Bundle is judged at its place", () => {
    const bundle = {
      resourceType: "Bundle",
      type: "collection",
      entry: [{ resource: observation({ status: "x" }) }],
    };
    expect(faults(parseJson(JSON.stringify(bundle)))).toEqual([
      "Bundle.entry[0].resource.status: code-invalid",
    ]);
  });

  test.each([
    ["<div>text</div>", "another namespace"],
    ['<div xmlns="http://www.w3.org/1999/xhtml"> </div>', "no content"],
    ['<div xmlns="http://www.w3.org/1999/xhtml"><script>1</script></div>', "a script"],
    ['<div xmlns="http://www.w3.org/1999/xhtml"><p onclick="a()">b</p></div>', "a handler"],
    [
      '<div xmlns="http://www.w3.org/1999/xhtml"><a href=" java&#10;script:a()">b</a></div>',
      "a link that runs",
    ],
    ['<div xmlns="http://www.w3.org/1999/xhtml">a&nbsp;b</div>', "an entity of HTML"],
    ['<!DOCTYPE div><div xmlns="http://www.w3.org/1999/xhtml">a</div>', "a DOCTYPE"],
    [
      '<div xmlns="http://www.w3.org/1999/xhtml">a</div><div xmlns="http://www.w3.org/1999/xhtml">b</div>',
      "two",
    ],
  ])("is refused for the narrative %s: %s", (div) => {
    expect(faults(observation({ text: { status: "generated", div } }))).toEqual([
      "Observation.text.div: value",
    ]);
  });

  test("has at most 100 findings, however much is wrong", () => {
    const note = Array.from({ length: 5000 }, () => ({ text: 1 }));
    expect(validate(observation({ note }))).toHaveLength(100);
  });

  test("names no value in its findings", () => {
    const text = JSON.stringify(
      validate(
        observation({
          status: "SECRET",
          "SECRET name": 1,
          subject: { reference: "SECRET" },
          method: "SECRET",
          id: "SECRET !",
        }),
      ),
    );
    expect(text).not.toContain("SECRET");
  });

  test("is read and validated in one call, whose error has all findings", () => {
    expect(parseResource(JSON.stringify(observation())).resourceType).toBe("Observation");
    expect(() => parseResource(JSON.stringify(observation({ status: "x", id: "!" })))).toThrow(FhirError);
  });
});
