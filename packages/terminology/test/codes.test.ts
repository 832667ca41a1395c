import { describe, expect, test } from "vitest";
import { type CodeDefinition, LOINC, SLEEP_STAGE_SYSTEM, shippedTerminology } from "../src/index.ts";

const { checkUnit, findAnyCode, findCode, isAllowedValue } = shippedTerminology;

const all = shippedTerminology.codes;
const withComponents = all.flatMap((definition): CodeDefinition[] =>
  definition.kind === "components" ? [definition, ...definition.components] : [definition],
);

describe("the table", () => {
  test("has each code once, over all systems", () => {
    const codes = withComponents.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  // LOINC's last digit is a Luhn check digit over the digits before it: it finds a mistyped code.
  test.each(withComponents.filter(({ system }) => system === LOINC).map(({ code }) => code))(
    "%s has LOINC's check digit",
    (code) => {
      const [digits, check] = code.split("-");
      const sum = [...digits!]
        .reverse()
        .map((digit, i) => (i % 2 === 0 ? Number(digit) * 2 : Number(digit)))
        .reduce((total, n) => total + (n > 9 ? n - 9 : n), 0);
      expect((10 - (sum % 10)) % 10).toBe(Number(check));
    },
  );

  test("accepts its own units", () => {
    for (const definition of withComponents) {
      const unit = definition.kind === "quantity" ? definition.unit : "";
      expect([definition.code, checkUnit(definition.code, unit)]).toEqual([
        definition.code,
        { status: "ok" },
      ]);
    }
  });
});

describe("findCode", () => {
  test("an empty system is LOINC", () => {
    expect(findCode("8867-4")).toMatchObject({ display: "Heart rate", unit: "/min" });
    expect(findCode("8867-4", "")).toBe(findCode("8867-4", LOINC));
  });

  test("a code in another system is another code", () => {
    expect(findCode("8867-4", "http://snomed.info/sct")).toBeUndefined();
    expect(findCode("sleep-stage")).toBeUndefined();
    expect(findCode("sleep-stage", SLEEP_STAGE_SYSTEM)).toMatchObject({ kind: "coded" });
  });

  test("a component is not a series of its own", () => {
    expect(findCode("8480-6")).toBeUndefined();
    expect(findAnyCode("8480-6")).toMatchObject({ display: "Systolic blood pressure" });
  });

  test("members of Object.prototype are no codes", () => {
    for (const code of ["constructor", "__proto__", "toString", ""]) expect(findCode(code)).toBeUndefined();
  });
});

test("sleep stages are a closed set in their own system", () => {
  const stage = (code: string, system = SLEEP_STAGE_SYSTEM) =>
    isAllowedValue("sleep-stage", { system, code });
  for (const code of ["awake", "light", "deep", "rem", "asleep", "unknown"]) expect(stage(code)).toBe(true);
  expect(stage("N3")).toBe(false);
  expect(stage("rem", LOINC)).toBe(false);
  expect(isAllowedValue("8867-4", { system: SLEEP_STAGE_SYSTEM, code: "rem" })).toBe(false);
});
