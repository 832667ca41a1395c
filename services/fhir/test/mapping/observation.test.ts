import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { formatJson, parseResource, validate } from "@wellapi/fhir-r4";
import { StoredObservationSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { type ObservationSchema, ObservationStatus } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { CaptureMethod } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, test } from "vitest";
import { observationOf } from "../../src/mapping/observation-convert.ts";

const bits = "0123456789abcdefghjkmnpqrs";
const view = { patient: `pat_${bits}`, base: "https://x.example/fhir/R4" };
const at = Date.UTC(2026, 2, 1, 7);

type Content = Omit<Exclude<MessageInitShape<typeof ObservationSchema>, { $typeName: string }>, "effective">;

function mapped(content: Content, disputed: object[] = []) {
  const stored = create(StoredObservationSchema, {
    id: `obs_${bits}_3`,
    observation: {
      effective: { case: "effectiveTime", value: timestampFromMs(at) },
      utcOffsetMinutes: 60,
      ...content,
    },
    source: {
      organization: `org_${bits}`,
      deviceId: `dev_${bits}`,
      deviceModel: "Charge HR",
      method: CaptureMethod.SENSED,
      disputed,
    },
    receiveTime: timestampFromMs(at + 1_000),
  });
  const resource = observationOf(view, stored);
  expect(validate(resource)).toEqual([]);
  return resource;
}

const quantity = (value: string, unit: string) => ({ case: "quantity", value: { value, unit } }) as const;

describe("a single observation as FHIR", () => {
  test("keeps its digits, its clock, its device and whom it comes from", () => {
    const resource = mapped({ code: { code: "8310-5" }, value: quantity("98.60", "[degF]") });
    expect(formatJson(resource)).toContain('"value":98.60');
    expect(resource).toMatchObject({
      id: `${bits}.obs-${bits}-3`,
      meta: {
        source: `https://x.example/fhir/R4/Organization/org-${bits}`,
        lastUpdated: "2026-03-01T07:00:01.000Z",
      },
      status: "final",
      subject: { reference: `Patient/pat-${bits}` },
      code: { coding: [{ system: "http://loinc.org", code: "8310-5" }] },
      effectiveDateTime: "2026-03-01T08:00:00+01:00",
      valueQuantity: { system: "http://unitsofmeasure.org", code: "[degF]" },
      device: { reference: `Device/${bits}.dev-${bits}`, display: "Charge HR" },
    });
    expect(JSON.stringify(resource.category)).toContain("vital-signs");
    expect(JSON.stringify(resource.method)).toContain("sensed");
  });

  test("is labelled where the patient disputes it", () => {
    const weight = { code: { code: "29463-7" }, value: quantity("80", "kg") };
    expect(mapped(weight).meta).not.toHaveProperty("security");
    const security = [{ system: expect.stringContaining("v3-ObservationValue"), code: "UNCERTREL" }];
    expect(mapped(weight, [{ startTime: timestampFromMs(at) }]).meta).toMatchObject({ security });
  });

  test("has a blood pressure as components", () => {
    const part = (code: string, value: string) => ({ code: { code }, value: quantity(value, "mm[Hg]") });
    const resource = mapped({
      code: { code: "85354-9" },
      components: [part("8480-6", "120"), part("8462-4", "80.0")],
    });
    expect(JSON.stringify(resource.component)).toContain('"value":80.0');
    expect(resource.valueQuantity).toBeUndefined();
  });

  test.each<[string, Content, object]>([
    ["text", { value: { case: "text", value: "better" } }, { valueString: "better" }],
    ["yes or no", { value: { case: "boolean", value: false } }, { valueBoolean: false }],
    ["a count", { value: { case: "integer", value: 7n } }, { valueInteger: 7 }],
    [
      "a count that FHIR's integer cannot hold",
      { value: { case: "integer", value: 2n ** 40n } },
      { valueQuantity: { value: 2 ** 40, code: "1" } },
    ],
    [
      "a code",
      { value: { case: "coded", value: { system: "urn:s", code: "c" } } },
      { valueCodeableConcept: { coding: [{ system: "urn:s", code: "c" }] } },
    ],
    [
      "a ratio",
      {
        value: {
          case: "ratio",
          value: { numerator: { value: "1", unit: "mg" }, denominator: { value: "2", unit: "mL" } },
        },
      },
      { valueRatio: { numerator: { value: 1, code: "mg" }, denominator: { value: 2, code: "mL" } } },
    ],
    [
      "a range that is open",
      { value: { case: "range", value: { low: { value: "5", unit: "kg" } } } },
      { valueRange: { low: { value: 5 } } },
    ],
    [
      "no value, and why",
      {
        dataAbsentReason: {
          system: "http://terminology.hl7.org/CodeSystem/data-absent-reason",
          code: "error",
        },
      },
      { dataAbsentReason: { coding: [{ code: "error" }] } },
    ],
  ])("has %s", (_, content, expected) => {
    expect(mapped({ code: { code: "wellbeing-score", system: "urn:own" }, ...content })).toMatchObject(
      expected,
    );
  });

  test("has all that was said of it", () => {
    const resource = mapped({
      code: { code: "29463-7", display: "Body weight" },
      alternativeCodes: [{ system: "urn:maker", code: "W" }],
      codeText: "Weight",
      value: quantity("70", "kg"),
      status: ObservationStatus.CORRECTED,
      interpretations: [
        { system: "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", code: "N" },
      ],
      referenceRanges: [{ low: { value: "50", unit: "kg" }, text: "adults" }, {}],
      bodySite: { system: "http://snomed.info/sct", code: "1" },
      technique: { system: "urn:t", code: "t" },
      performer: "A nurse",
      notes: ["after lunch"],
      externalId: "row 7",
    });
    expect(resource).toMatchObject({
      status: "corrected",
      code: { text: "Weight", coding: [{}, { system: "urn:maker" }] },
      referenceRange: [{ text: "adults" }],
      performer: [{ display: "A nurse" }],
      note: [{ text: "after lunch" }],
      identifier: [{ value: "row 7" }],
    });
  });

  test("has the parts of a session, each with its time", () => {
    const resource = mapped({
      code: { system: "https://wellapi.dev/fhir/CodeSystem/observation", code: "workout" },
      durationMs: 600_000n,
      segments: [
        {
          kind: { system: "urn:parts", code: "lap" },
          startOffsetMs: 60_000,
          durationMs: 120_000,
          components: [{ code: { code: "55430-3" }, value: quantity("400.0", "m") }],
        },
      ],
    });
    expect(resource).toMatchObject({
      effectivePeriod: { start: "2026-03-01T08:00:00+01:00", end: "2026-03-01T08:10:00+01:00" },
      component: [{ valuePeriod: { start: "2026-03-01T08:01:00+01:00", end: "2026-03-01T08:03:00+01:00" } }],
    });
    expect(formatJson(resource)).toContain("400.0");
    expect(formatJson(parseResource(formatJson(resource)))).toBe(formatJson(resource));
  });
});
