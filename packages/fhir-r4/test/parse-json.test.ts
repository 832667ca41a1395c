import { defaultLimits, FhirError, parseJson } from "@wellapi/fhir-r4";
import { describe, expect, test } from "vitest";

/** The error that reading the text throws. */
function refusal(text: string, limits = defaultLimits): FhirError {
  try {
    parseJson(text, limits);
  } catch (error) {
    if (error instanceof FhirError) return error;
    throw error;
  }
  throw new Error("the text was accepted");
}

describe("a resource in JSON", () => {
  test("keeps the digits of its numbers", () => {
    const text =
      '{"resourceType":"Observation","valueQuantity":{"value":98.60},"component":[{"valueQuantity":{"value":1.0E-3}}' +
      ',{"valueQuantity":{"value":-0}},{"valueQuantity":{"value":0.12345678901234567890}},{"valueInteger":72}]}';
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  test("is the same whether it is written as V8 writes it or with space between", () => {
    const numbers = ["72", "98.6", "98.60", "1e+21", "0.1", "-0", "0", "100000000000000000000", "1E3"];
    for (const number of numbers) {
      const text = `{"resourceType":"Observation","valueQuantity":{"value":${number},"unit":"\u00b0C"},"1":[true,null]}`;
      expect(parseJson(text), number).toEqual(parseJson(text.replaceAll(`":`, `" : `)));
    }
    expect(refusal('{"resourceType":"Patient","active":true,"active":true}').code).toBe("syntax");
  });

  test("is refused where a name is written twice in one object, and the place is said", () => {
    const { code, findings } = refusal('{"resourceType":"Patient",\n "active":true, "active":false}');
    expect(code).toBe("syntax");
    expect(findings).toEqual([
      {
        severity: "error",
        code: "structure",
        text: "The name 'active' is written twice in one object",
        line: 2,
        column: 17,
      },
    ]);
  });

  test("is refused where a name is written twice, once with an escape", () => {
    expect(refusal('{"resourceType":"Patient","id":"a","\\u0069d":"b"}').message).toBe(
      "The name 'id' is written twice in one object",
    );
  });

  test("may have one name in several objects, and brackets, quotes and colons in its strings", () => {
    const text =
      '{"resourceType":"Patient","name":[{"text":"a \\"b\\": {[,\\\\"},{"text":"c"}],"contact":[{"name":{"text":"d"}}]}';
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  test("is refused where it nests deeper than the limit, before it is parsed", () => {
    const deep = `{"resourceType":"Patient","a":${"[".repeat(200_000)}`;
    expect(refusal(deep)).toMatchObject({ code: "limit", message: "The text nests deeper than 100 levels" });
    expect(refusal('{"a":{"b":{"c":1}}}', { length: 100, depth: 2 }).code).toBe("limit");
  });

  test("is refused where it is longer than the limit", () => {
    expect(refusal('{"resourceType":"Patient"}', { length: 25, depth: 9 }).code).toBe("limit");
  });

  test.each([
    ['{"resourceType":"Patient",\n"active":}', 2, 10],
    ['{"resourceType":"Patient",\n"active":tru', 2, 13],
    ['{"resourceType":"Patient"', 1, 26],
    ['{"resourceType":"Patient"} x', 1, 28],
    ['{"resourceType":"Patient","a":"\\q"}', 1, 33],
    ["", 1, 1],
  ])("which is broken in %j is refused with line and column", (text, line, column) => {
    expect(refusal(text)).toMatchObject({ code: "syntax", findings: [{ line, column }] });
  });

  test("is never quoted in an error: neither its values nor names of another form", () => {
    for (const text of [
      '{"resourceType":"secret"oops}',
      '{"a secret":1,"a secret":2}',
      '{"resourceType":{"x":secret}}',
    ]) {
      expect(JSON.stringify(refusal(text).findings)).not.toContain("secret");
    }
  });

  test.each(["1e401", `0.${"1".repeat(64)}`, "1e-401"])("is refused with the number %s", (number) => {
    expect(refusal(`{"resourceType":"Observation","valueInteger":${number}}`).code).toBe("syntax");
  });

  test.each(["[]", '"Patient"', "{}", '{"resourceType":1}'])("is no resource where it is %s", (text) => {
    expect(refusal(text).code).toBe("syntax");
  });
});
