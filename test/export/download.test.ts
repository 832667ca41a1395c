/** A patient's whole record as one archive, over HTTP, as its reader opens it. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson, operatorAt, type Person } from "@wellapi/demo/people";
import { temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { DownloadFormat, ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import {
  CaptureMethod,
  Direction,
  type TimeIntervalSchema,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchDecided } from "../decided.ts";
import { sharedExchange } from "../shared-exchange.ts";
import { keyOf } from "../surface/cases.ts";
import { filesOf } from "./zip.ts";

const samples = 60_000;
const everything = ["conditions", "heart", "temperature", "blood_pressure"];

describe("a patient's download", () => {
  const folder = temporaryFolder();
  const server = sharedExchange();
  let clinic: Company;
  let person: Person;
  let token = "";

  beforeAll(async () => {
    clinic = await enrolCompany(server, "Clinic");
    person = await enrolPerson(server, "Ada");
    await grant(person, clinic, Direction.CONTRIBUTE, everything);
    await grant(person, clinic, Direction.READ, everything);
    const { consents } = await createClient(ConsentService, clinic.transport).listConsents({});
    await contribute(consents[0]!.patient);
    ({ token } = await tokenOf(person));
  });
  afterAll(() => folder.remove());

  const tokenOf = ({ id: patient }: Person) =>
    createClient(TokenService, operatorAt(server)).issuePatientToken({ requestId: randomUUID(), patient });

  async function contribute(patient: string): Promise<void> {
    const ingestion = createClient(IngestionService, clinic.transport);
    for (let from = 0; from < samples; from += 20_000) {
      const mantissas = Array.from({ length: 20_000 }, (_, at) => 60 + ((from + at) % 40));
      const startTime = { seconds: BigInt(1_770_000_000 + from), nanos: 0 };
      await ingestion.createSeries({
        batch: {
          requestId: `heart-${from}`,
          patient,
          series: [
            {
              code: { code: "8867-4" },
              unit: "/min",
              device: { identifier: "d1", model: '=HYPERLINK("https://evil.example")' },
              method: CaptureMethod.SENSED,
              times: {
                start: { case: "startTime", value: startTime },
                utcOffsetMinutes: 120,
                spacing: { case: "periodMs", value: 1_000 },
              },
              values: { case: "decimals", value: { mantissas } },
            },
          ],
        },
      });
    }
    await ingestion.createObservations({
      batch: {
        requestId: "temperature",
        patient,
        observations: [
          {
            code: { code: "8310-5" },
            effective: { case: "effectiveTimeText", value: "2026-03-01T08:00:00+01:00" },
            value: { case: "quantity", value: { value: "98.60", unit: "[degF]" } },
            notes: ['said: <script>alert(1)</script>, "quoted"'],
          },
        ],
      },
    });
    const condition = {
      resourceType: "Condition",
      subject: { reference: `Patient/${patient.replace("_", "-")}` },
      code: {
        coding: [{ system: "http://hl7.org/fhir/sid/icd-10-cm", code: "I10" }],
        text: "<img src=x onerror=alert(1)>",
      },
      onsetDateTime: "2026-03-01",
    };
    await createClient(ClinicalRecordsService, clinic.transport).putClinicalRecord({
      patient,
      write: { case: "create", value: { resource: JSON.stringify(condition) } },
    });
  }

  function download(patient: string, headers: Record<string, string>, query = ""): Promise<Response> {
    return fetchDecided(`${server.http}/download/${patient}${query}`, { headers, redirect: "manual" });
  }

  /** The files of a part, prepared by whose token it is. */
  async function part(asked: {
    readonly categories?: string[];
    readonly interval?: MessageInitShape<typeof TimeIntervalSchema>;
    readonly formats?: DownloadFormat[];
  }) {
    const exports = createClient(ExportService, connect({ url: server.http, token }));
    const prepared = (await exports.prepareDownload({ patient: person.id, ...asked })).download;
    const bearer = { authorization: `Bearer ${token}` };
    const answer = await download(person.id, bearer, `?prepared=${prepared}`);
    expect(answer.headers.get("content-disposition")).toContain("health-record-part-");
    return { prepared, files: filesOf(Buffer.from(await answer.arrayBuffer())) };
  }

  test("holds all that there is, as FHIR, tables, Parquet and a page", async () => {
    const answer = await download(person.id, { authorization: `Bearer ${token}` });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/zip"]);
    expect(answer.headers.get("cache-control")).toContain("no-store");
    const files = filesOf(Buffer.from(await answer.arrayBuffer()));
    expect([...files.keys()].sort()).toEqual([
      "csv/observations.csv",
      "csv/samples.csv",
      "fhir/Condition.ndjson",
      "fhir/Observation.ndjson",
      "parquet/observations.parquet",
      "parquet/samples.parquet",
      "summary.html",
    ]);
    const lines = files.get("csv/samples.csv")!.toString().trimEnd().split("\r\n");
    // The temperature is a sample, too.
    expect(lines).toHaveLength(1 + samples + 1);
    expect(lines[2]).toContain("2026-02-02T04:40:00.000+02:00,2026-02-02T04:40:00.000+02:00,60,/min,sensed");
    expect(files.get("csv/observations.csv")!.toString()).toContain(",98.60,[degF],");
    const parquet = files.get("parquet/samples.parquet")!;
    const rows = await parquetReadObjects({ file: new Uint8Array(parquet).buffer });
    expect(rows).toHaveLength(samples + 1);
    expect(rows[2]).toMatchObject({
      code: "8867-4",
      value: 61,
      value_text: "61",
      start: new Date(1_770_000_001_000),
    });
    expect(rows[0]).toMatchObject({ code: "8310-5", value: 98.6, value_text: "98.60" });
    const observations = files.get("fhir/Observation.ndjson")!.toString();
    expect(observations).toContain('"value":98.60');
    const sampled = [...observations.matchAll(/"data":"([^"]*)"/g)].flatMap(([, data]) => data!.split(" "));
    expect([sampled.length, sampled[0], sampled.at(-1)]).toEqual([samples, "60", "99"]);
    const [condition] = files.get("fhir/Condition.ndjson")!.toString().trimEnd().split("\n");
    expect(JSON.parse(condition!).subject.reference).toBe(`Patient/${person.id.replace("_", "-")}`);
  }, 60_000);

  test("runs no text of others: not as a script of the page, not as a formula of the table", async () => {
    const answer = await download(person.id, { authorization: `Bearer ${token}` });
    const files = filesOf(Buffer.from(await answer.arrayBuffer()));
    const page = files.get("summary.html")!.toString();
    expect(page).not.toContain("<img");
    expect(page).toContain("&lt;img src=x onerror=alert(1)&gt;");
    expect(files.get("csv/samples.csv")!.toString()).not.toContain(",=HYPERLINK");
    expect(files.get("csv/samples.csv")!.toString()).toContain(`"'=HYPERLINK(""https://evil.example"")"`);
  }, 60_000);

  test("a part holds what was asked for alone: by kind of data, time and format", async () => {
    const startTime = { seconds: 1_770_008_400n, nanos: 0 };
    const interval = { startTime, endTime: { seconds: 1_770_009_000n, nanos: 0 } };
    const { files } = await part({ categories: ["heart"], interval, formats: [DownloadFormat.CSV] });
    expect([...files.keys()]).toEqual(["summary.html", "csv/samples.csv"]);
    const lines = files.get("csv/samples.csv")!.toString().trimEnd().split("\r\n");
    expect([lines.length, lines[1]!.split(",")[3], lines.at(-1)!.split(",")[3]]).toEqual([
      601,
      "2026-02-02T07:00:00.000+02:00",
      "2026-02-02T07:09:59.000+02:00",
    ]);
    const page = files.get("summary.html")!.toString();
    expect(page).toContain(
      "about a part of the record: heart from 2026-02-02T05:00:00.000Z on before 2026-02-02T05:10",
    );
    expect(page).toContain("<td>600</td>");

    const fhir = (
      await part({ categories: ["heart", "temperature"], interval, formats: [DownloadFormat.FHIR] })
    ).files;
    expect([...fhir.keys()]).toEqual(["summary.html", "fhir/Observation.ndjson"]);
    const sampled = [
      ...fhir
        .get("fhir/Observation.ndjson")!
        .toString()
        .matchAll(/"data":"([^"]*)"/g),
    ];
    expect(sampled.flatMap(([, data]) => data!.split(" "))).toHaveLength(600);

    const rest = (await part({ categories: ["conditions", "temperature"] })).files;
    expect([...rest.keys()].sort()).toEqual([
      "csv/observations.csv",
      "csv/samples.csv",
      "fhir/Condition.ndjson",
      "fhir/Observation.ndjson",
      "parquet/observations.parquet",
      "parquet/samples.parquet",
      "summary.html",
    ]);
    expect(rest.get("csv/samples.csv")!.toString()).not.toContain("8867-4");
    expect(rest.get("fhir/Observation.ndjson")!.toString()).not.toContain("8867-4");

    const before = { endTime: { seconds: 1_000_000_000n, nanos: 0 } };
    const nothing = (await part({ interval: before })).files;
    expect([...nothing.keys()]).toEqual(["summary.html"]);
  }, 60_000);

  test("what was prepared is for who prepared it", async () => {
    const { prepared } = await part({ categories: ["conditions"] });
    const other = await enrolPerson(server, "Mallory");
    const bearer = { authorization: `Bearer ${(await tokenOf(other)).token}` };
    for (const [whose, reason] of [
      [other.id, "DOWNLOAD_ENDED"],
      [person.id, "CONSENT_REQUIRED"],
    ] as const) {
      const answer = await download(whose, bearer, `?prepared=${prepared}`);
      expect(await answer.json()).toMatchObject({ reason });
    }
  });

  test("is written by the command line, whole or not at all", async () => {
    const file = join(folder.path, "record.zip");
    const main = fileURLToPath(new URL("../../cli/src/main.ts", import.meta.url));
    const codeOf = async (secret: string, to: string, ...more: readonly string[]) => {
      const parameters = [main, "download", to, "--patient", person.id, "--url", server.http, ...more];
      const child = spawn(process.execPath, parameters, { env: { ...process.env, WELLAPI_TOKEN: secret } });
      return (await once(child, "exit"))[0] as number;
    };
    expect(await codeOf(token, file)).toBe(0);
    expect(filesOf(readFileSync(file)).has("summary.html")).toBe(true);
    const part = join(folder.path, "part.zip");
    expect(await codeOf(token, part, "--category", "conditions", "--format", "fhir")).toBe(0);
    expect([...filesOf(readFileSync(part)).keys()]).toEqual(["summary.html", "fhir/Condition.ndjson"]);
    const other = join(folder.path, "other.zip");
    expect([await codeOf("wellapi_pat_wrong", other), existsSync(other)]).toEqual([3, false]);
  }, 60_000);

  test("leaves an entry that says so", async () => {
    const { accesses } = await createClient(AuditService, person.transport).listAccesses({ pageSize: 1_000 });
    const methods = accesses.map(({ access }) => access?.method);
    expect(methods).toContain("wellapi.records.v1.ExportService/PrepareDownload");
  });

  test("is for the patient alone, and not for who asks in somebody's browser", async () => {
    const key = await keyOf(server, clinic);
    const other = await enrolPerson(server, "Eve");
    const others = (await tokenOf(other)).token;
    const told = await Promise.all([
      download(person.id, {}),
      download(person.id, { "x-api-key": key }),
      download(person.id, { authorization: `Bearer ${others}` }),
      download("pat_nobody", { authorization: `Bearer ${token}` }),
      download(person.id, { cookie: "__Host-wellapi=x", "sec-fetch-site": "cross-site" }),
    ]);
    expect(
      await Promise.all(
        told.map(async (one) => [one.status, ((await one.json()) as { reason: string }).reason]),
      ),
    ).toEqual([
      [403, "FOREIGN_REQUEST"],
      [403, "CALLER_NOT_PERMITTED"],
      [403, "CONSENT_REQUIRED"],
      [403, "CONSENT_REQUIRED"],
      [403, "FOREIGN_REQUEST"],
    ]);
  });

  test("breaks off, and opens nowhere, once the token is revoked", async () => {
    const revokedMeanwhile = async () => {
      const issued = await tokenOf(person);
      const answer = await download(person.id, { authorization: `Bearer ${issued.token}` });
      const reader = answer.body!.getReader();
      const pieces = [(await reader.read()).value!];
      await createClient(TokenService, operatorAt(server)).revokePatientTokens({
        patient: person.id,
        tokens: [issued.tokenId],
      });
      const cut = await (async () => {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return "whole";
          pieces.push(value);
        }
      })().catch(() => "cut");
      return { cut, file: Buffer.concat(pieces) };
    };
    let { cut, file } = await revokedMeanwhile();
    // To a test that stands still all may have been sent before it revokes: that proves nothing.
    for (let tries = 1; cut === "whole" && tries < 5; tries++) ({ cut, file } = await revokedMeanwhile());
    expect(cut).toBe("cut");
    expect(() => filesOf(file)).toThrow("not whole");
  }, 60_000);
});
