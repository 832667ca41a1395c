/** HAPI's client (Java, the one that most programs of clinics use) against a running exchange: test/fhir/hapi/Story.java. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { enrolCompany, enrolPerson } from "@wellapi/demo/people";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { beforeAll, describe, expect, test } from "vitest";
import { sharedExchange } from "../shared-exchange.ts";
import { keyOf } from "../surface/cases.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const home = fileURLToPath(new URL("hapi", import.meta.url));
const libraries = join(root, ".tools/fhir-client/lib");

/** Its libraries are 61 MB, which Maven fetches: not on each run on a laptop. */
const wanted =
  process.env.WELLAPI_TRY_HAPI_CLIENT !== undefined || process.env.WELLAPI_TRY_HAPI !== undefined;
if (!wanted) {
  process.stderr.write(
    "hapi-client.it.test.ts: skipped: HAPI's client is fetched; set WELLAPI_TRY_HAPI_CLIENT=1\n",
  );
}

/** What each encoding's story tells. */
const told = {
  metadata: "4.0.1",
  created: "true version 1",
  read: "I10 2026-03-01",
  updated: "version 2",
  "version read": "2026-03-01",
  history: "2",
  decimal: "80.50",
  searched: "3 pages 5 of 5",
  transaction: "linked",
  lookup: "Heart rate",
  expand: "whole",
  deleted: "410 RECORD_DELETED",
  stale: "412 ETAG_MISMATCH",
  "another type": "400 INVALID_FIELD",
  "search over all": "400 TOO_COSTLY",
  wrong: "422 INVALID_RESOURCE",
  parameter: "400 INVALID_REQUEST",
};

describe.runIf(wanted)("HAPI's client", { timeout: 300_000 }, () => {
  const server = sharedExchange();
  let lines: string[] = [];

  beforeAll(async () => {
    if (!existsSync(libraries)) {
      mkdirSync(join(root, ".tools"), { recursive: true });
      run("mvn", ["-q", "-B", "-f", join(home, "pom.xml"), "package", `-Dlib=${libraries}`]);
    }
    const clinic = await enrolCompany(server, "Clinic");
    const person = await enrolPerson(server, "Person");
    const all = ["conditions", "demographics", "care", "body"];
    for (const direction of [Direction.CONTRIBUTE, Direction.READ])
      await grant(person, clinic, direction, all);
    const { consents } = await createClient(ConsentService, clinic.transport).listConsents({});
    const patient = consents[0]!.patient.replace("_", "-");
    const key = await keyOf(server, clinic);
    const story = [
      "-cp",
      join(libraries, "*"),
      join(home, "Story.java"),
      `${server.http}/fhir/R4`,
      key,
      patient,
    ];
    lines = run("java", story).trimEnd().split("\n");
  }, 600_000);

  test.each(["JSON", "XML"])(
    "in %s writes, reads, searches page by page, and is told what is wrong",
    (encoding) => {
      const own = lines
        .filter((line) => line.startsWith(`${encoding} `))
        .map((line) => line.slice(encoding.length + 1));
      expect(Object.fromEntries(own.map((line) => line.split("\t")))).toEqual(told);
    },
  );
});

function run(program: string, parameters: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, parameters, {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return stdout;
  throw new Error(`${program}: ${error?.message ?? `${stdout.slice(-2000)}\n${stderr.slice(-3000)}`}`);
}
