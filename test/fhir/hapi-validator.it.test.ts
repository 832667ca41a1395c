/** HAPI's validator over what the exchange answers as FHIR: each kind of resource that its metadata lists, in both encodings. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { contribute } from "@wellapi/demo/contribution";
import { enrolCompany, enrolPerson } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askHapi, fetchLibraries } from "../../packages/fhir-r4/test/hapi/oracle.ts";
import { keyOf } from "../surface/cases.ts";

const wanted = process.env.WELLAPI_TRY_HAPI !== undefined;
if (!wanted) {
  process.stderr.write(
    "hapi-validator.it.test.ts: skipped: HAPI is fetched for minutes; set WELLAPI_TRY_HAPI=1\n",
  );
}

/** Beside the answers, so that it is known that faults are found. */
const planted = "planted.json";

describe.runIf(wanted)("HAPI's validator", { timeout: 300_000 }, () => {
  const folder = temporaryFolder();
  const answers = mkdtempSync(join(tmpdir(), "wellapi-emitted-"));
  const kinds = new Set<string>();
  let server: Server;
  let key = "";
  let errors: string[] = [];
  let asked = 0;

  async function ask(method: string, path: string, body?: object): Promise<string> {
    const texts: string[] = [];
    for (const format of body === undefined ? ["json", "xml"] : ["json"]) {
      const answer = await fetch(`${server.http}/fhir/R4${path}`, {
        method,
        headers: {
          "x-api-key": key,
          accept: `application/fhir+${format}`,
          ...(body !== undefined && { "content-type": "application/fhir+json" }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      texts.push(text);
      if (text === "") continue;
      const name = `${String(++asked).padStart(3, "0")}-${method}-${answer.status}-${path.replace(/[^A-Za-z]+/g, "-").slice(1, 60)}`;
      writeFileSync(join(answers, `${name}.${format}`), text);
    }
    const [json = ""] = texts;
    for (const [, type] of json.matchAll(/"resourceType":"([A-Za-z]+)"/g)) kinds.add(type!);
    return json;
  }

  beforeAll(async () => {
    fetchLibraries();
    server = await startServer({ dataDir: folder.path, target: "one-process" });
    const clinic = await enrolCompany(server, "Clinic");
    const person = await enrolPerson(server, "Person");
    const all = ["conditions", "demographics", "care", "body", "heart", "laboratory"];
    for (const direction of [Direction.CONTRIBUTE, Direction.READ])
      await grant(person, clinic, direction, all);
    const { consents } = await createClient(ConsentService, clinic.transport).listConsents({});
    const { patient: id } = consents[0]!;
    const patient = id.replace("_", "-");
    key = await keyOf(server, clinic);
    const subject = { reference: `Patient/${patient}` };
    const minutes = { code: "8867-4", unit: "/min", durationMs: 0, minutes: 5, from: "2026-03-01T08:00:00Z" };
    await contribute(clinic, undefined, [{ patient: id, ...minutes }]);
    const code = { coding: [{ system: "http://hl7.org/fhir/sid/icd-10-cm", code: "I10" }] };
    const created = JSON.parse(await ask("POST", "/Condition", { resourceType: "Condition", subject, code }));
    const loinc = { coding: [{ system: "http://loinc.org", code: "29463-7" }] };
    await ask("POST", "/Observation", {
      resourceType: "Observation",
      status: "final",
      code: loinc,
      subject,
      valueQuantity: { value: 80.5, unit: "kg", system: "http://unitsofmeasure.org", code: "kg" },
    });
    const entry = [
      {
        resource: { resourceType: "Condition", subject, code },
        request: { method: "POST", url: "Condition" },
      },
    ];
    for (const type of ["transaction", "batch"])
      await ask("POST", "", { resourceType: "Bundle", type, entry });
    await ask("GET", `/Condition/${created.id}`);
    await ask("GET", `/Condition/${created.id}/_history`);
    const metadata = JSON.parse(await ask("GET", "/metadata"));
    for (const { type, interaction = [] } of metadata.rest[0].resource) {
      if (interaction.some((one: { code: string }) => one.code === "search-type"))
        await ask("GET", `/${type}?patient=${patient}&_count=5`);
    }
    await ask("GET", `/Condition?patient=${patient}&_summary=true&_count=1`);
    await ask("GET", `/Patient/${patient}/$everything`);
    await ask("GET", "/CodeSystem/$lookup?system=http://loinc.org&code=8867-4");
    await ask("GET", "/CodeSystem/$validate-code?url=http://loinc.org&code=8867-4");
    await ask("GET", "/ValueSet/$expand?url=https://wellapi.dev/fhir/ValueSet/category-mental-health");
    await ask(
      "GET",
      "/ConceptMap/$translate?system=https://wellapi.dev/fhir/CodeSystem/vendor-withings&code=measure/1",
    );
    for (const wrong of [
      "/Condition",
      "/Unicorn/1",
      `/Condition?patient=${patient}&colour=red`,
      "/Condition/none",
    ])
      await ask("GET", wrong);
    await ask("POST", "/Condition", { resourceType: "Condition" });
    writeFileSync(
      join(answers, planted),
      JSON.stringify({ ...created, recordedDate: "2026-02-30", colour: "red" }),
    );
    errors = askHapi(answers)
      .filter(([, severity]) => severity === "ERROR" || severity === "FATAL")
      .map(([file, , place, text]) => `${file} ${place}: ${text}`);
  }, 900_000);
  afterAll(async () => {
    await server?.stop();
    folder.remove();
    rmSync(answers, { recursive: true });
  });

  test("finds no fault in what is answered", () => {
    expect(errors.filter((line) => !line.startsWith(planted))).toEqual([]);
    expect(errors.filter((line) => line.startsWith(planted)).length).toBeGreaterThanOrEqual(2);
    expect(asked).toBeGreaterThan(40);
    for (const kind of [
      "Bundle",
      "CapabilityStatement",
      "Condition",
      "Observation",
      "OperationOutcome",
      "Parameters",
      "ValueSet",
    ])
      expect([...kinds]).toContain(kind);
  });
});
