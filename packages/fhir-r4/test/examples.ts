import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** HL7's example resources, a JSON text each (test/data/fhir-r4/ATTRIBUTION.md). */
export const examples: readonly string[] = gunzipSync(
  readFileSync(new URL("../../../test/data/fhir-r4/examples.ndjson.gz", import.meta.url)),
)
  .toString("utf8")
  .trimEnd()
  .split("\n");
