import { writeFileSync } from "node:fs";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ClinicalOutcome_Status } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import {
  ClinicalRecordsService,
  type ListClinicalRecordsRequest,
  type PutClinicalRecordRequest,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect, test } from "vitest";
import { openFolder, openGateway, wellapi } from "./world.ts";

const resource = '{"resourceType":"Condition","code":{"text":"asthma"}}';
const record = {
  id: "rec_1",
  resourceType: "Condition",
  resource,
  version: 2,
  etag: "2",
  updateTime: timestampFromMs(Date.UTC(2026, 3, 12, 8)),
  categories: ["conditions"],
};

/** An exchange that holds this one record, and what it was asked. */
async function openRecords() {
  const put: PutClinicalRecordRequest[] = [];
  const listed: ListClinicalRecordsRequest[] = [];
  const env = await openGateway(({ service }) =>
    service(ClinicalRecordsService, {
      putClinicalRecord(request) {
        put.push(request);
        const outcome = { status: ClinicalOutcome_Status.CREATED, record: "rec_1", version: 1, etag: "1" };
        return { outcome };
      },
      getClinicalRecord: () => ({ record }),
      listClinicalRecords(request) {
        listed.push(request);
        const first = request.pageToken === "";
        return { records: [record], nextPageToken: first ? "more" : "" };
      },
    }),
  );
  return { env, put, listed };
}

test("a file is stored, or takes the place of a record under its etag", async () => {
  const { env, put } = await openRecords();
  const file = `${openFolder()}/condition.json`;
  writeFileSync(file, resource);
  const of = ["clinical", "put", file, "--patient", "pat_1"];
  const { out } = await wellapi([...of, "--if-none-exist", "https://h.example/ids|a|b"], { env });
  expect(out).toBe("rec_1 created, version 1, etag 1");
  await wellapi([...of, "--record", "rec_1", "--etag", "1"], { env });
  expect(put.map(({ write }) => write)).toMatchObject([
    { case: "create", value: { resource, ifNoneExist: { system: "https://h.example/ids", value: "a|b" } } },
    { case: "update", value: { resource, record: "rec_1", etag: "1" } },
  ]);
  const { code } = await wellapi([...of, "--etag", "1"], { env });
  expect(code).toBe(2);
});

test("records are listed over all pages, and printed as FHIR", async () => {
  const { env, listed } = await openRecords();
  const of = ["clinical", "list", "--patient", "pat_1", "--type", "Condition,Encounter", "--code", "J45.20"];
  expect((await wellapi([...of, "--ndjson"], { env })).out).toBe(`${resource}\n${resource}`);
  expect(listed[0]).toMatchObject({
    patient: "pat_1",
    types: ["Condition", "Encounter"],
    codes: [{ system: "", code: "J45.20" }],
    purpose: Purpose.TREATMENT,
  });
  const { out } = await wellapi(of, { env });
  expect(out).toContain("2026-04-12T08:00:00.000Z");
  expect((await wellapi(["clinical", "get", "rec_1", "--patient", "pat_1"], { env })).out).toBe(resource);
});

test("a file that is not there is said so", async () => {
  const { env } = await openRecords();
  const { code, err } = await wellapi(["clinical", "put", "missing.json", "--patient", "pat_1"], { env });
  expect([code, err]).toEqual([
    8,
    "cannot read missing.json: there is none of that name; name a file that exists and that you may read",
  ]);
});
