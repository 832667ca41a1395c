import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createTerminology, type RecordContent, readDocuments, shippedTerminology } from "../src/index.ts";

const icd = "http://hl7.org/fhir/sid/icd-10-cm";

/** A resource of a type with one coding. */
function content(type: string, system = "", code = "", within = type): RecordContent {
  return { types: [type], codings: code === "" ? [] : [{ system, code, type: within }], observations: [] };
}

const keysOf = (one: RecordContent) => {
  const classes = shippedTerminology.classify(one);
  return "keys" in classes ? classes.keys : classes.outside;
};

describe("what a record falls into", () => {
  test.each([
    ["Condition", icd, "J45.20", ["conditions@1"]],
    ["Condition", icd, "F32.1", ["conditions@1", "mental_health@1"]],
    ["Condition", icd, "f321", ["conditions@1", "mental_health@1"]],
    ["Condition", `${icd}|2026`, "F10.20", ["conditions@1", "substance_use@1"]],
    ["Condition", "https://hl7.org/fhir/sid/icd-10-cm/", "B20", ["conditions@1", "sexual_health@1"]],
    ["Condition", icd, "O80", ["conditions@1", "reproductive@1"]],
    ["Claim", icd, "J45.20", ["conditions@1", "coverage@1"]],
    ["Condition", "", "F10.20", ["conditions@1", "substance_use@1"]],
    ["Condition", "", "J45.20", ["conditions@1"]],
    ["AllergyIntolerance", "http://www.nlm.nih.gov/research/umls/rxnorm", "7980", ["allergies@1"]],
    ["CarePlan", "http://www.nlm.nih.gov/research/umls/rxnorm", "7980", ["care@1", "medications@1"]],
    ["Encounter", "http://terminology.hl7.org/CodeSystem/v3-ActCode", "PSY", ["care@1", "mental_health@1"]],
    ["Encounter", "http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB", ["care@1"]],
    ["QuestionnaireResponse", "http://loinc.org", "44261-6", ["assessments@1", "mental_health@1"]],
  ])("a %s with %s %s", (type, system, code, keys) => {
    expect(keysOf(content(type, system, code))).toEqual(keys);
  });

  test("a type that nobody named is outside, also inside another", () => {
    expect(keysOf(content("Measure"))).toBe("Measure");
    expect(keysOf({ types: ["Condition", "Measure"], codings: [], observations: [] })).toBe("Measure");
  });

  test.each([
    ["its own code", [{ system: "http://loinc.org", code: "8867-4" }], ["laboratory"], ["8867-4"]],
    ["a part of a panel", [{ system: "", code: "8480-6" }], ["vital-signs"], ["85354-9"]],
    ["HL7's category", [{ system: "http://loinc.org", code: "4548-4" }], ["laboratory"], ["laboratory@1"]],
    [
      "two of them",
      [{ system: "x", code: "y" }],
      ["laboratory", "survey"],
      ["assessments@1", "laboratory@1"],
    ],
    ["neither", [{ system: "x", code: "y" }], ["z"], "Observation"],
  ])("an observation by %s", (_, codes, categories, keys) => {
    expect(keysOf({ types: ["Observation"], codings: [], observations: [{ codes, categories }] })).toEqual(
      keys,
    );
  });
});

describe("a consent keeps the version that it was given for", () => {
  const base = { title: "t", sources: {}, codes: [] };
  const rule = (...codes: string[]) => ({
    types: ["Condition"],
    codes: [{ systems: [icd], codes, source: "test" }],
  });
  const document = (sets: unknown[]) => ({ name: "test", content: { ...base, sets } });

  test("a code that a later version adds is of the later one alone", () => {
    const terminology = createTerminology(
      readDocuments([
        document([
          { category: "one", version: 1, codes: [], records: rule("A1") },
          { category: "one", version: 2, codes: [], records: rule("A1", "B2") },
        ]),
      ]),
    );
    const keys = (code: string) => terminology.classify(content("Condition", icd, code));
    expect(keys("A1")).toEqual({ keys: ["one@1"] });
    expect(keys("B2")).toEqual({ keys: ["one@1", "one@2"] });
    expect(terminology.isInCategory("one@2", "one", 1)).toBe(false);
    expect(terminology.isInCategory("one@2", "one", 2)).toBe(true);
    expect(terminology.isInCategory("one@1", "one", 2)).toBe(true);
    expect(terminology.isInCategory("one@1", "one", 3)).toBe(false);
    expect(terminology.isInCategory("one@0", "one", 2)).toBe(false);
    expect(terminology.isInCategory("other@1", "one", 2)).toBe(false);
  });

  test.each([
    ["records.colour is not known", { ...rule("A"), colour: 1 }],
    ["names no code", { codes: [{ systems: [icd], source: "s" }] }],
    ["must say where it is from", { codes: [{ systems: [icd], codes: ["A"] }] }],
    ["is no resource type", { types: ["condition"] }],
    ["the first and the last", { codes: [{ systems: [icd], ranges: [["B", "A"]], source: "s" }] }],
  ])("a document is refused that %s", (told, records) => {
    const read = () => readDocuments([document([{ category: "one", version: 1, codes: [], records }])]);
    expect(read).toThrow(told);
  });

  test("rules that are published stay as they are", () => {
    const golden = JSON.parse(
      readFileSync(new URL("golden/record-rules.json", import.meta.url), "utf8"),
    ) as Record<string, Record<string, unknown>>;
    const shipped = JSON.parse(readFileSync(new URL("../data/categories.json", import.meta.url), "utf8")) as {
      sets: { category: string; version: number; records?: unknown }[];
    };
    const found = shipped.sets.flatMap(({ category, version, records }) =>
      records === undefined ? [] : [[category, String(version), records]],
    );
    const pinned = Object.entries(golden).flatMap(([category, versions]) =>
      Object.entries(versions).map(([version, records]) => [category, version, records]),
    );
    expect(found).toEqual(pinned);
  });
});

test("the sensitivity of a key is that of its category", () => {
  expect(shippedTerminology.sensitivityOf("substance_use@1")).toBe("very_restricted");
  expect(shippedTerminology.sensitivityOf("conditions@1")).toBe("normal");
  expect(shippedTerminology.categoriesOf("conditions@1")).toEqual(["conditions"]);
  expect(shippedTerminology.categoriesOf("nothing@1")).toEqual([]);
});
