import { expect, test } from "vitest";
import { preferencesOf } from "../src/index.ts";

test.each([
  ["application/xml;q=0.5, application/fhir+json", ["application/fhir+json", "application/xml"]],
  ["DE-at, en;q=0.8, fr;q=0", ["de-at", "en"]],
  ["a;v=1;q=0.3,b;q=0.30,c ; q=0.9", ["c", "a", "b"]],
  ["a;q=nonsense,b;q=0.9", ["a", "b"]],
  ["", [""]],
])("%j names %j, by their weights", (header, expected) => {
  expect(preferencesOf(header)).toEqual(expected);
});
