import { type DescMessage, fromJsonString } from "@bufbuild/protobuf";
import {
  CreateSeriesRequestSchema,
  IngestionService,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { QuerySeriesRequestSchema, RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { expect, test } from "vitest";
import { createJsonRemedy } from "../src/json-remedy.ts";

const remedy = createJsonRemedy([IngestionService, RecordsService]);
const series = (one: object) => ({ batch: { series: [one] } });

/** The words of the library itself: a release that changes them fails here. */
function wordsFor(schema: DescMessage, body: object): string {
  try {
    fromJsonString(schema, JSON.stringify(body));
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the JSON was taken");
}

test.each<readonly [DescMessage, object, string]>([
  [CreateSeriesRequestSchema, series({ decimals: { mantissas: [72.5] } }), '"values": ["72.5"]'],
  [CreateSeriesRequestSchema, series({ decimals: { wideMantissas: [1.5] } }), '"values": ["72.5"]'],
  [CreateSeriesRequestSchema, series({ decimals: { values: [72.5] } }), "as text"],
  [CreateSeriesRequestSchema, series({ decimals: { values: "72.5" } }), "a list"],
  [CreateSeriesRequestSchema, series({ decimals: [72] }), "an object"],
  [CreateSeriesRequestSchema, series({ unit: 5 }), "text in quotation marks"],
  [CreateSeriesRequestSchema, series({ code: "8867-4" }), '{"code": "8867-4"}'],
  [CreateSeriesRequestSchema, series({ times: { startTime: "2026-01-01T00:00:00" } }), "with its zone"],
  [CreateSeriesRequestSchema, series({ times: { startTime: 12 } }), "with its zone"],
  [
    CreateSeriesRequestSchema,
    series({ times: { startTime: "2026-01-01T00:00:00Z", startTimeText: "x" } }),
    "send one of the two",
  ],
  [
    CreateSeriesRequestSchema,
    series({ granularity: "MINUTES" }),
    "use one of GRANULARITY_INSTANT, GRANULARITY_MINUTE, ",
  ],
  [QuerySeriesRequestSchema, { purpose: "treatment" }, "use one of PURPOSE_TREATMENT, "],
  [QuerySeriesRequestSchema, { pateint: "pat_1" }, "the contract has patient, "],
  [QuerySeriesRequestSchema, { pageSize: "x" }, "a number"],
  [QuerySeriesRequestSchema, { pageSize: 3e9 }, "within the range"],
])("%s of %j gets its remedy", (schema, body, expected) => {
  expect(remedy(wordsFor(schema, body))).toContain(expected);
});

test("other words have none", () => {
  expect(remedy("invalid connect-timeout-ms: soon")).toBeUndefined();
  expect(remedy("Unexpected end of JSON input")).toBeUndefined();
});
