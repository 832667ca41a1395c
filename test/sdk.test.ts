import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import {
  batchesOf,
  Code,
  type Connection,
  connect,
  connectAsPatient,
  createClient,
  type Row,
  uploadSeries,
  verifyLoggedAccess,
  WellApiError,
} from "@wellapi/client";
import { enrolOrganization, enrolPatient } from "@wellapi/client/enrolment";
import { temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sharedExchange } from "./shared-exchange.ts";

const example = fileURLToPath(new URL("../sdk/typescript/examples/read-heart-rate.ts", import.meta.url));
const readme = fileURLToPath(new URL("../sdk/typescript/README.md", import.meta.url));
const heartRate = "8867-4";

describe("the client library against a real server", () => {
  const folder = temporaryFolder();
  const pems = join(folder.path, "clinic");
  const server = sharedExchange();
  let clinic: Connection;
  let person: Connection;
  let reading = "";
  let atClinic = "";

  async function consent(grantee: string, direction: Direction): Promise<string> {
    const created = await createClient(ConsentService, person).createConsent({
      requestId: `sdk-${direction}`,
      consent: {
        grantee,
        provisions: [
          {
            effect: Provision_Effect.PERMIT,
            directions: [direction],
            categories: [{ name: "heart" }],
            purposes: direction === Direction.READ ? [Purpose.TREATMENT] : [],
            resolution: Resolution.RAW,
          },
        ],
      },
    });
    return created.consent!.id;
  }

  const patientOf = async (company: Connection) =>
    (await createClient(ConsentService, company).listConsents({})).consents[0]!.patient;

  beforeAll(async () => {
    const operatorKey = server.operatorKey!;
    const operator = connect({ url: server.http, apiKey: operatorKey });
    const maker = await enrolOrganization(operator, { organization: "Pulse", application: "sync" });
    const enrolled = await enrolOrganization(operator, { organization: "Hillside", application: "chart" });
    const patient = await enrolPatient(operator, { displayName: "Ada", timeZone: "Europe/Berlin" });
    person = await connectAsPatient({ url: server.http, operatorKey, patient });
    await consent(maker.organization, Direction.CONTRIBUTE);
    reading = await consent(enrolled.organization, Direction.READ);

    clinic = connect({ url: server.grpc, certificate: enrolled.certificate });
    mkdirSync(pems);
    for (const [name, pem] of Object.entries(enrolled.certificate))
      writeFileSync(join(pems, `${name}.pem`), pem);
    atClinic = await patientOf(clinic);

    const door = connect({ url: server.grpc, certificate: maker.certificate });
    async function* rows(): AsyncGenerator<Row> {
      for (let minute = 0; minute < 5; minute++) {
        const timeMs = Date.parse("2026-05-01T08:00:00Z") + minute * 60_000;
        yield { timeMs, offsetMinutes: 120, mantissa: 600 + minute, scale: 1 };
      }
    }
    const batches = batchesOf(rows(), {
      patient: await patientOf(door),
      code: heartRate,
      unit: "/min",
      durationMs: 0,
      samplesPerBatch: 2,
    });
    let stored = 0;
    await uploadSeries(createClient(IngestionService, door), batches, {
      onAnswer: (_batch, answer) => {
        if ("receipt" in answer && answer.receipt.batch !== "") stored += 1;
      },
    });
    expect(stored).toBe(3);
    door.close();
  });

  afterAll(() => {
    clinic?.close();
    folder.remove();
  });

  async function runExample(): Promise<{ code: number | null; out: string; err: string }> {
    const child = spawn(process.execPath, [example, pems, atClinic, server.grpc], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);
    return { code: code as number | null, out, err };
  }

  test("the README shows the example, and the example prints what was uploaded", async () => {
    expect(readFileSync(readme, "utf8")).toContain(`\`\`\`ts\n${readFileSync(example, "utf8")}\`\`\``);
    expect(await runExample()).toMatchObject({
      code: 0,
      out: [0, 1, 2, 3, 4].map((n) => `2026-05-01T08:0${n}:00.000Z 60.${n} /min\n`).join(""),
    });
  });

  test("the patient verifies the read with the log's public key", async () => {
    const query = { patient: atClinic, code: { code: heartRate }, purpose: Purpose.TREATMENT };
    const { access } = await createClient(RecordsService, clinic).querySeries(query);
    const audit = createClient(AuditService, person);
    const { verifierKey } = await createClient(AuditService, connect({ url: server.http })).getCheckpoint({});
    // An entry is durable before the answer leaves, and reaches the log a moment later.
    await expect
      .poll(() => verifyLoggedAccess(audit, access, verifierKey).catch(WellApiError.from), {
        timeout: 15_000,
      })
      .toMatchObject({ access: { id: access, purpose: Purpose.TREATMENT } });
  });

  test("a refusal says its reason and the call's id, at the door and at the gateway", async () => {
    await createClient(ConsentService, person).revokeConsent({ consent: reading });
    const query = { patient: atClinic, code: { code: heartRate }, purpose: Purpose.TREATMENT };
    const withId = connect({
      url: server.http,
      token: "not-a-token",
      interceptors: [
        (next) => (request) => {
          request.header.set("x-request-id", "mine-12345678");
          return next(request);
        },
      ],
    });
    const atDoor = await createClient(RecordsService, clinic).querySeries(query).catch(WellApiError.from);
    expect(atDoor).toMatchObject({
      code: Code.PermissionDenied,
      reason: "CONSENT_REQUIRED",
      requestId: expect.stringMatching(/^[\w-]{8,}$/),
      transient: false,
    });
    const atGateway = await createClient(RecordsService, withId).querySeries(query).catch(WellApiError.from);
    expect(atGateway).toMatchObject({ code: Code.Unauthenticated, requestId: "mine-12345678" });
    const { code, out, err } = await runExample();
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(err).toContain("CONSENT_REQUIRED");
  });
});
