/** A clinic loads what it has of many patients: NDJSON over HTTP, an outcome a line. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson, type Person } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchDecided } from "../decided.ts";
import { keyOf } from "../surface/cases.ts";

describe("a bulk import", () => {
  const folder = temporaryFolder();
  let server: Server;
  let clinic: Company;
  let people: readonly Person[];
  let patients: readonly string[];
  let key = "";

  beforeAll(async () => {
    server = await startServer({ dataDir: folder.path, target: "one-process" });
    clinic = await enrolCompany(server, "Clinic");
    people = await Promise.all(["Ada", "Bert"].map((name) => enrolPerson(server, name)));
    for (const person of people) await grant(person, clinic, Direction.CONTRIBUTE, ["conditions", "care"]);
    await grant(people[0]!, clinic, Direction.READ, ["conditions", "care"]);
    const { consents } = await createClient(ConsentService, clinic.transport).listConsents({});
    patients = [...new Set(consents.map(({ patient }) => patient))];
    key = await keyOf(server, clinic);
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  function condition(patient: string, code: string, more: object = {}): string {
    return JSON.stringify({
      resourceType: "Condition",
      subject: { reference: `Patient/${patient.replace("_", "-")}` },
      code: { coding: [{ system: "http://hl7.org/fhir/sid/icd-10-cm", code }] },
      ...more,
    });
  }

  async function send(lines: readonly string[], headers: Record<string, string> = {}) {
    const answer = await fetchDecided(`${server.http}/fhir/R4/$import`, {
      method: "POST",
      headers: { "x-api-key": key, "content-type": "application/fhir+ndjson", ...headers },
      body: lines.join("\n"),
    });
    const told = (await answer.text()).trimEnd();
    return {
      status: answer.status,
      outcomes:
        answer.status === 200 && told !== ""
          ? told.split("\n").map((line) => {
              const { id, issue } = JSON.parse(line);
              return [id, issue[0].details.coding[0].code] as const;
            })
          : [],
    };
  }

  test("stores what is right, and says of each line what became of it", async () => {
    const [ada, bert] = patients as [string, string];
    const long = condition(ada, "I10", { note: [{ text: "x".repeat(10_485_760) }] });
    const lines = [
      condition(ada, "I10"),
      condition(ada, "I11", { onsetDateTime: "2026-02-30" }),
      long,
      "",
      '{"resourceType":"Condition"',
      condition(bert, "J45"),
      condition(ada, "E11"),
      JSON.stringify({ resourceType: "Condition", code: { text: "nobody's" } }),
      JSON.stringify({ resourceType: "StructureDefinition" }),
    ];
    const { status, outcomes } = await send(lines);
    expect(status).toBe(200);
    expect(outcomes).toEqual([
      ["line-1", "CREATED"],
      ["line-2", "INVALID_RESOURCE"],
      ["line-3", "LINE_TOO_LONG"],
      ["line-5", "INVALID_RESOURCE"],
      ["line-6", "CREATED"],
      ["line-7", "CREATED"],
      ["line-8", "NO_PATIENT"],
      ["line-9", "NOT_SUPPORTED"],
    ]);
    // A caller that was cut off sends all of it again.
    const again = await send(lines);
    expect(again.outcomes.filter(([, reason]) => reason === "DUPLICATE")).toHaveLength(3);
    expect(again.outcomes.filter(([, reason]) => reason === "CREATED")).toHaveLength(0);
  }, 60_000);

  test("keeps references between lines that stand together", async () => {
    const [ada] = patients as [string];
    const subject = { reference: `Patient/${ada.replace("_", "-")}` };
    const visit = {
      resourceType: "Encounter",
      id: "visit-7",
      status: "finished",
      class: { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "AMB" },
      subject,
    };
    const { outcomes } = await send([
      JSON.stringify(visit),
      condition(ada, "J00", { encounter: { reference: "Encounter/visit-7" } }),
    ]);
    expect(outcomes.map(([, reason]) => reason)).toEqual(["CREATED", "CREATED"]);
    const { records } = await createClient(ClinicalRecordsService, people[0]!.transport).listClinicalRecords({
      patient: people[0]!.id,
      purpose: Purpose.PATIENT_REQUEST,
      codes: [{ code: "J00" }],
    });
    expect(JSON.parse(records[0]!.resource).encounter.reference).toMatch(/^Encounter\/rec-/);
  });

  test("refuses the lines of who has revoked, and stores those of the others", async () => {
    const consents = createClient(ConsentService, people[1]!.transport);
    for (const { id } of (await consents.listConsents({})).consents)
      await consents.revokeConsent({ consent: id });
    const bert = (await createClient(ConsentService, clinic.transport).listConsents({ states: [3] }))
      .consents[0]!.patient;
    const ada = patients.find((one) => one !== bert)!;
    const { outcomes } = await send([condition(bert, "K21"), condition(ada, "K21")]);
    expect(outcomes.map(([, reason]) => reason)).toEqual(["CONSENT_REQUIRED", "CREATED"]);
  });

  test("is refused whole without a credential, and of another type", async () => {
    expect((await send(["{}"], { "x-api-key": "wellapi_sk_wrong" })).status).toBe(401);
    expect((await send(["{}"], { "content-type": "text/plain" })).status).toBe(415);
    expect((await send(["{}"], { "content-type": "application/fhir+json" })).status).toBe(400);
  });

  test("is done by the command line in pieces, and again without storing twice", async () => {
    const ada = patients[0]!;
    const file = join(folder.path, "conditions.ndjson");
    const lines = Array.from({ length: 1_200 }, (_, at) =>
      condition(ada, "M54.5", { recordedDate: `2020-01-01T00:00:00.${String(at).padStart(6, "0")}Z` }),
    );
    lines.splice(600, 0, "x".repeat(5_242_880));
    writeFileSync(file, lines.join("\n"));
    const main = fileURLToPath(new URL("../../cli/src/main.ts", import.meta.url));
    const run = async () => {
      const env = { ...process.env, WELLAPI_API_KEY: key };
      const child = spawn(process.execPath, [main, "import", file, "--url", server.http, "--json"], { env });
      const [out, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
      return { code, told: JSON.parse(out) };
    };
    const first = await run();
    expect(first.code).toBe(8);
    expect(first.told).toMatchObject({ stored: 1_200, duplicate: 0, refused: 1 });
    expect(first.told.problems[0]).toContain("line 601: LINE_TOO_LONG");
    expect((await run()).told).toMatchObject({ stored: 0, duplicate: 1_200, refused: 1 });
  }, 120_000);
});
