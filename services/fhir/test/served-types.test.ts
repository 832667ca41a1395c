import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parseJson } from "@wellapi/fhir-r4";
import { expect, test } from "vitest";
import { servedTypes } from "../src/rest/types.ts";

/** HL7's examples, which packages/fhir-r4 takes through JSON, XML and the validator. */
const examples = new URL("../../../test/data/fhir-r4/examples.ndjson.gz", import.meta.url);

test("of each type that is stored an example of HL7 goes through both texts and back", () => {
  const lines = gunzipSync(readFileSync(examples)).toString("utf8").trimEnd().split("\n");
  const types = new Set(lines.map((line) => parseJson(line).resourceType));
  expect(servedTypes.filter((type) => !types.has(type))).toEqual([]);
});
