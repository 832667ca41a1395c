import { searchParameters } from "@wellapi/fhir-r4";
import { shippedTerminology } from "@wellapi/terminology";
import { describe, expect, test } from "vitest";
import { parametersOf, servedTypes } from "../src/rest/types.ts";
import { datesOf } from "../src/search/dates.ts";
import { includesOf, referencesFrom } from "../src/search/includes.ts";
import { measuredCodes } from "../src/search/measured-codes.ts";
import { readSearch } from "../src/search/query-convert.ts";
import { subsetOf, withSubset } from "../src/search/subset.ts";

const day = Date.UTC(2026, 2, 1);
const dayMs = 86_400_000;
const patient = "pat-0123456789abcdefghjkmnpqrs";
const read = (query: string) =>
  readSearch("Condition", new URLSearchParams(query), "https://x.example/fhir/R4");

describe("a date that is searched", () => {
  test.each([
    [["2026-03-01"], { from: day, to: day + dayMs }],
    [["eq2026-03"], { from: day, to: Date.UTC(2026, 3, 1) }],
    [["ge2026-03-01"], { from: day }],
    [["gt2026-03-01"], { from: day + dayMs }],
    [["sa2026-03-01"], { from: day + dayMs }],
    [["lt2026-03-01"], { to: day }],
    [["eb2026-03-01"], { to: day }],
    [["le2026-03-01"], { to: day + dayMs }],
    [["ge2026-03-01", "lt2026-03-02"], { from: day, to: day + dayMs }],
    [["ge2026-03-02", "lt2026-03-01"], undefined],
    [["ge2026-03-01T08:00:00+01:00"], { from: day + 7 * 3_600_000 }],
  ])("%j", (values, expected) => {
    expect(datesOf("date", values)).toEqual(expected);
  });

  test.each(["2026-02-30", "ne2026-01-01", "ap2026", "2026-03-01T08:00:00", "yesterday", ""])(
    "is refused: %j",
    (value) => {
      expect(() => datesOf("date", [value])).toThrow("date has to be a date");
    },
  );
});

describe("codes that are searched", () => {
  const found = (code: string, system = "", category = "") =>
    measuredCodes(
      shippedTerminology,
      [{ system, code }],
      category === "" ? [] : [{ system: "", code: category }],
    )?.map((one) => one.code);

  test("find what is measured by a technique under the code without it, as it is shown", () => {
    expect(found("59408-5")).toEqual(["59408-5"]);
    expect(found("2708-6")).toEqual(["59408-5"]);
    expect(found("2708-6", "http://loinc.org", "respiratory")).toEqual(["59408-5"]);
    expect(found("2708-6", "http://loinc.org", "heart")).toEqual([]);
    expect(found("2708-6", "http://snomed.info/sct")).toEqual([]);
  });
});

describe("a search", () => {
  test("without a patient says what to add, and one of two patients is refused", () => {
    expect(() => read("code=I10")).toThrow("Add patient=Patient/<id>");
    expect(() => read(`patient=${patient}&patient=pat-${"z".repeat(26)}`)).toThrow("one patient");
  });

  test.each(["colour=red", "code:not=I10", "subject.name=x", "_total=accurate"])(
    "ignores nothing: %s",
    (part) => {
      expect(() => read(`patient=${patient}&${part}`)).toThrow("is not searched by");
    },
  );

  test.each([
    "_summary=count",
    "_count=0",
    "_count=1001",
    "_sort=code",
    "_revinclude=Observation:subject",
    "_include=Condition:colour",
    "_include=Observation:subject",
    "_include=*",
    "code=http://loinc.org|",
  ])("refuses what it cannot do: %s", (part) => {
    expect(() => read(`patient=${patient}&${part}`)).toThrow();
  });

  test("of ids that are another patient's finds nothing of theirs", () => {
    const theirs = `${"z".repeat(26)}.rec-${"0".repeat(26)}`;
    expect(() => read(`patient=${patient}&_id=${theirs}`)).toThrow("one patient");
  });

  test("has names that are HL7's, for each type that is served", () => {
    const named = servedTypes.flatMap((type) =>
      Object.values(parametersOf(type)).map((name) => [type, name] as const),
    );
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter(([type, name]) => !searchParameters(type).has(name))).toEqual([]);
  });
});

describe("a reference that is followed", () => {
  const resource = {
    resourceType: "MedicationRequest",
    subject: { reference: "Patient/p" },
    medicationReference: { reference: "Medication/m" },
    reasonReference: [{ reference: "Condition/1" }, { reference: "Observation/2" }, { display: "none" }],
  };
  const followed = (...asked: string[]) =>
    referencesFrom(
      resource,
      includesOf(
        "MedicationRequest",
        asked.map((one) => `MedicationRequest:${one}`),
      ),
    );

  test("is found by HL7's path of the parameter", () => {
    expect(followed("subject", "medication")).toEqual(["Patient/p", "Medication/m"]);
    expect(followed("patient")).toEqual(["Patient/p"]);
    expect(followed("encounter")).toEqual([]);
    expect(followed("subject:Group")).toEqual([]);
  });
});

describe("a part of a resource", () => {
  const resource = {
    resourceType: "Observation",
    id: "x",
    status: "final",
    code: { text: "a" },
    text: { status: "generated" },
    note: [{ text: "n" }],
    valueString: "v",
  };
  const part = (query: string) => withSubset(resource, subsetOf(new URLSearchParams(query)));

  test.each([
    ["_elements=value", ["resourceType", "id", "status", "code", "valueString", "meta"]],
    ["_summary=text", ["resourceType", "id", "status", "code", "text", "meta"]],
    ["_summary=data", ["resourceType", "id", "status", "code", "note", "valueString", "meta"]],
    ["_summary=true", ["resourceType", "id", "status", "code", "valueString", "meta"]],
  ])("%s keeps what it has to have, and is marked as a part", (query, names) => {
    const found = part(query);
    expect(Object.keys(found)).toEqual(names);
    expect(found.meta).toMatchObject({ tag: [{ code: "SUBSETTED" }] });
  });

  test("is the whole where none is asked for", () => {
    expect(part("_summary=false")).toBe(resource);
  });
});
