import { create, fromBinary } from "@bufbuild/protobuf";
import { CreateConsentRequestSchema } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { StreamSeriesRequestSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { describe, expect, it } from "vitest";
import { validateMessage } from "../src/index.ts";

/** A series is field 4 of a batch, so an empty one is two bytes. */
function emptySeries(count: number): Uint8Array {
  return new Uint8Array(count * 2).map((_, i) => (i % 2 === 0 ? 0x22 : 0));
}

describe("validateMessage", () => {
  it("refuses a list that is too long for its length alone, without a look at its items", () => {
    const request = create(StreamSeriesRequestSchema, {
      batch: fromBinary(SeriesBatchSchema, emptySeries(500_000)),
    });
    const before = performance.now();
    const problem = validateMessage(StreamSeriesRequestSchema, request);
    expect(problem?.violations).toEqual([
      {
        field: "batch.series",
        description: "must contain no more than 64 item(s)",
        reason: "REPEATED_MAX_ITEMS",
      },
    ]);
    expect(performance.now() - before).toBeLessThan(500); // with a look at them it takes seconds
  });

  it("finds a long list behind a choice, and in the item of another list", () => {
    const dictionary = Array.from({ length: 257 }, () => ({ code: "awake" }));
    const coded = { case: "coded" as const, value: { dictionary } };
    const request = create(StreamSeriesRequestSchema, { batch: { series: [{}, { values: coded }] } });
    const problem = validateMessage(StreamSeriesRequestSchema, request);
    expect(problem?.violations?.map(({ field }) => field)).toEqual(["batch.series[1].coded.dictionary"]);
  });

  it("tells of a list that is just short enough what its items break", () => {
    const provisions = Array.from({ length: 32 }, () => ({}));
    const request = create(CreateConsentRequestSchema, {
      requestId: "r1",
      consent: { grantee: "org_1", provisions },
    });
    const problem = validateMessage(CreateConsentRequestSchema, request);
    expect(problem?.violations).toHaveLength(50);
    expect(problem?.violations?.[0]?.field).toBe("consent.provisions[0].effect");
  });
});
