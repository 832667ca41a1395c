import { create } from "@bufbuild/protobuf";
import { ProvisionSchema } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { CreateConsentRequestSchema } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import {
  CreateSeriesRequestSchema,
  StreamSeriesRequestSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import {
  QuerySeriesRequestSchema,
  ReadSeriesRequestSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { validateMessage } from "../src/index.ts";

describe("validateMessage", () => {
  it("refuses a list that is too long for its length alone, without a look at its items", () => {
    const request = create(CreateConsentRequestSchema, { requestId: "r1", consent: { grantee: "org_1" } });
    let looks = 0;
    request.consent!.provisions = new Proxy(
      Array.from({ length: 10_000 }, () => create(ProvisionSchema)),
      {
        get(provisions, key) {
          if (key !== "length") looks++;
          return Reflect.get(provisions, key);
        },
      },
    );
    const problem = validateMessage(CreateConsentRequestSchema, request);
    expect(problem?.violations).toEqual([
      {
        field: "consent.provisions",
        description: "must contain no more than 32 item(s)",
        reason: "REPEATED_MAX_ITEMS",
      },
    ]);
    expect(looks).toBe(0);
  });

  it("refuses one whose items it leaves to others", () => {
    const series = Array.from({ length: 65 }, () => ({}));
    const request = create(StreamSeriesRequestSchema, { batch: { series } });
    const problem = validateMessage(StreamSeriesRequestSchema, request);
    expect(problem?.violations?.map(({ field, reason }) => [field, reason])).toEqual([
      ["batch.series", "REPEATED_MAX_ITEMS"],
    ]);
  });

  it("finds a long list behind a choice, and in the item of another list", () => {
    const dictionary = Array.from({ length: 257 }, () => ({ code: "awake" }));
    const coded = { case: "coded" as const, value: { dictionary } };
    const request = create(StreamSeriesRequestSchema, { batch: { series: [{}, { values: coded }] } });
    const problem = validateMessage(StreamSeriesRequestSchema, request);
    expect(problem?.violations?.map(({ field }) => field)).toEqual(["batch.series[1].coded.dictionary"]);
  });

  it("says what to send, where the rule alone says what is wrong", () => {
    const found = (problem: ReturnType<typeof validateMessage>) =>
      problem?.violations?.map(({ field, description, reason }) => [field, description, reason]);
    const read = create(ReadSeriesRequestSchema, {});
    expect(found(validateMessage(ReadSeriesRequestSchema, read))).toEqual([
      ["patient", "is empty: send a text", "STRING_MIN_LEN"],
      ["code", "is missing: send a Coding", "REQUIRED"],
      [
        "purpose",
        "use one of PURPOSE_TREATMENT, PURPOSE_PAYMENT, PURPOSE_OPERATIONS, PURPOSE_RESEARCH, " +
          "PURPOSE_PATIENT_REQUEST, PURPOSE_PUBLIC_HEALTH, PURPOSE_EMERGENCY, PURPOSE_FAMILY_REQUEST",
        "ENUM_NOT_IN",
      ],
    ]);
    const unknown = create(QuerySeriesRequestSchema, {
      patient: "pat_1",
      code: { code: "a" },
      purpose: 99 as Purpose,
    });
    expect(found(validateMessage(QuerySeriesRequestSchema, unknown))).toEqual([
      ["purpose", expect.stringMatching(/^use one of PURPOSE_TREATMENT, /), "ENUM_DEFINED_ONLY"],
    ]);
    const batch = create(CreateSeriesRequestSchema, { batch: { requestId: "a b", patient: "pat_1" } });
    expect(found(validateMessage(CreateSeriesRequestSchema, batch))).toEqual([
      [
        "batch.request_id",
        "is not of the form of the regular expression `^[A-Za-z0-9._:-]+$`",
        "STRING_PATTERN",
      ],
      ["batch.series", "is empty: send at least 1 item", "REPEATED_MIN_ITEMS"],
    ]);
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
