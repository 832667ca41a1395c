import {
  canonical,
  formatJson,
  formatXml,
  parseJson,
  parseXml,
  resourceTypes,
  validate,
} from "@wellapi/fhir-r4";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Choices, seeded, someResource } from "./arbitrary-resource.ts";

/** A resource of any type, from a type's place and a seed. */
const anyResource = fc
  .tuple(fc.constantFrom(...resourceTypes()), fc.integer())
  .map(([type, seed]) => someResource(type, seeded(seed) satisfies Choices));

test("any resource that R4 permits is the same after JSON and XML both ways", () => {
  fc.assert(
    fc.property(anyResource, (resource) => {
      const json = formatJson(resource);
      const xml = formatXml(resource);
      expect(formatJson(parseJson(json))).toBe(json);
      expect(formatJson(parseXml(xml))).toBe(json);
      expect(formatXml(parseJson(json))).toBe(xml);
      expect(canonical(canonical(resource))).toEqual(canonical(resource));
    }),
    { numRuns: 300 },
  );
}, 120_000);

test("any resource that is made from HL7's definitions has the structure that the validator asks for", () => {
  fc.assert(
    fc.property(anyResource, (resource) => {
      const structure = validate(resource).filter(
        ({ severity, code }) => severity === "error" && code !== "invariant",
      );
      expect(structure).toEqual([]);
    }),
    { numRuns: 300 },
  );
}, 120_000);
