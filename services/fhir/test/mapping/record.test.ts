import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type FhirObject, formatJson, parseJson } from "@wellapi/fhir-r4";
import { ClinicalRecordSchema } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { describe, expect, test } from "vitest";
import { servedRecord } from "../../src/mapping/record-convert.ts";
import { inwardText } from "../../src/mapping/subject.ts";

const bits = "0123456789abcdefghjkmnpqrs";
const patient = `pat_${bits}`;
const rec = `rec-${bits}`;

/** As *records* answers it. */
function recordOf({ resourceType, ...content }: FhirObject) {
  const resource = {
    resourceType: resourceType!,
    id: rec,
    meta: { versionId: "2", lastUpdated: "2026-03-01T08:00:00.000Z" },
    ...content,
  };
  return create(ClinicalRecordSchema, {
    id: rec.replace("-", "_"),
    resourceType: String(resourceType),
    resource: JSON.stringify(resource),
    version: 2,
    updateTime: timestampFromMs(0),
  });
}

const subject = { reference: `Patient/pat-${bits}` };
const code = { text: "a" };

test("a disputed record is labelled beside its own labels, and stored without it when it is sent back corrected", () => {
  const own = { system: "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", code: "R" };
  const content = { resourceType: "Condition", code, subject, meta: { security: [own] } };
  const plain = recordOf(content);
  const disputed = create(ClinicalRecordSchema, { ...plain, disputed: true });
  const labelled = servedRecord(patient, disputed);
  expect(servedRecord(patient, plain).resource!.meta).toEqual({ security: [own] });
  expect(labelled.text).toBeUndefined();
  expect(labelled.resource!.meta).toMatchObject({ security: [own, { code: "UNCERTREL" }] });
  const back = inwardText(labelled.resource!, patient, "https://x.example/fhir/R4");
  expect(JSON.parse(back).meta).toEqual({ security: [own] });
  const bare = servedRecord(
    patient,
    create(ClinicalRecordSchema, { ...recordOf({ ...content, meta: {} }), disputed: true }),
  );
  expect(JSON.parse(inwardText(bare.resource!, patient, "")).meta).not.toHaveProperty("security");
});

describe("a record whose JSON is not read", () => {
  test.each<[string, FhirObject]>([
    [
      "references to records and observations, of a version and of a part",
      {
        resourceType: "Observation",
        status: "final",
        code,
        subject,
        hasMember: [
          { reference: `Observation/${rec}/_history/2` },
          { reference: `Observation/obs-${bits}-3` },
          { reference: `Observation/${rec}#say "hello"\\` },
        ],
      },
    ],
    [
      "one in what it contains, and one by its name",
      {
        resourceType: "Condition",
        contained: [
          {
            resourceType: "Observation",
            id: "o",
            status: "final",
            code,
            focus: [{ reference: `Device/${rec}` }],
          },
        ],
        subject,
        evidence: [{ detail: [{ reference: "#o" }, { reference: "Practitioner?identifier=a|b" }] }],
      },
    ],
    [
      "texts that look like references, and like the names that matter",
      {
        resourceType: "Condition",
        code: { text: `"reference":"Condition/${rec}" and "id":"x"` },
        subject: { ...subject, display: `reference":"Condition/${rec}` },
      },
    ],
  ])("has the ids of who asks, byte by byte as if it were: %s", (_, resource) => {
    const served = servedRecord(patient, recordOf(resource));
    expect(served.text).toBe(formatJson(served.resource!));
    expect(served.text).toContain(`"id":"${bits}.${rec}"`);
  });

  test("keeps the digits that were sent", () => {
    const record = recordOf({ resourceType: "Observation", status: "final", code, subject });
    record.resource = record.resource.replace(/}$/, ',"valueQuantity":{"value":1.0E-3}}');
    const served = servedRecord(patient, record);
    expect(served.text).toContain('"value":1.0E-3}');
    expect(served.text).toBe(formatJson(served.resource!));
  });

  test.each<[string, FhirObject]>([
    [
      "a URI that is called reference",
      { resourceType: "Immunization", education: [{ reference: `Condition/${rec}` }] },
    ],
    ["another", { resourceType: "DetectedIssue", reference: `Condition/${rec}` }],
    [
      "that of an expression",
      {
        resourceType: "Task",
        input: [{ valueExpression: { language: "text/cql", reference: `Condition/${rec}` } }],
      },
    ],
    ["a primitive's companion", { resourceType: "Patient", _birthDate: { id: "a" } }],
    ["a list with null", { resourceType: "Patient", name: [{ given: ["A", null] }] }],
  ])("is read where its canonical form may be another: %s", (_, resource) => {
    const served = servedRecord(patient, recordOf(resource));
    expect(served.text).toBeUndefined();
    expect(formatJson(served.resource!)).not.toContain(`${bits}.${rec}"}`);
    expect(parseJson(formatJson(served.resource!)).resourceType).toBe(resource.resourceType);
  });

  test("is read where records writes it in another way", () => {
    const record = recordOf({ resourceType: "Condition", subject });
    record.resource = record.resource.replace(/^\{/, "{ ");
    const served = servedRecord(patient, record);
    expect(served.text).toBeUndefined();
    expect(served.resource?.id).toBe(`${bits}.${rec}`);
  });

  test("has none where it is the deletion", () => {
    const record = { ...recordOf({ resourceType: "Condition", subject }), deleted: true, resource: "" };
    const { text, resource } = servedRecord(patient, record);
    expect([text, resource]).toEqual([undefined, undefined]);
  });
});
