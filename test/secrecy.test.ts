import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createClient, type Transport } from "@connectrpc/connect";
import { type Company, enrolCompany, enrolPerson, operatorAt, type Person } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/**
 * What must never lie in clear: a name, a time zone, a device's serial number, a value that nobody else has, what a consent and
 * its request say, keys, tokens.
 */
const canaries = {
  name: `Canary-${randomBytes(8).toString("hex")}`,
  serial: `SN-${randomBytes(8).toString("hex")}`,
  /** A newborn's weight in micrograms. */
  value: "7301594826",
  notice: `https://maker.example/${randomBytes(8).toString("hex")}`,
  request: `request-${randomBytes(8).toString("hex")}`,
  timeZone: "Antarctica/Vostok",
  category: "temperature",
  purpose: "public_health",
};

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The forms in which a canary could lie somewhere. */
function formsOf(text: string): Buffer[] {
  const forms = [
    Buffer.from(text),
    Buffer.from(text, "utf16le"),
    Buffer.from(Buffer.from(text).toString("base64")),
  ];
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    const double = Buffer.alloc(8);
    double.writeDoubleLE(number);
    const integer = Buffer.alloc(8);
    integer.writeBigInt64LE(BigInt(number));
    forms.push(double, integer.subarray(0, 5));
  }
  return forms;
}

/** Empty for what the running server has taken away since it was listed. */
function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}

function holders(files: readonly string[], text: string): string[] {
  const forms = formsOf(text);
  return files.filter((file) => {
    const content = contentOf(file);
    return forms.some((form) => content.includes(form));
  });
}

describe("what lies on disk and in the log", () => {
  const folder = temporaryFolder();
  const dataDir = join(folder.path, "data");
  const logFile = join(folder.path, "server.log");
  let server: Server;
  let maker: Company;
  let person: Person;
  let operator: Transport;
  const secrets: string[] = [];

  beforeAll(async () => {
    server = await startServer({
      dataDir,
      logFile,
      env: { WELLAPI_LOG_LEVEL: "debug", WELLAPI_LOG_FORMAT: "json" },
    });
    maker = await enrolCompany(server, "Maker");
    person = await enrolPerson(server, canaries.name, canaries.timeZone);
    operator = operatorAt(server);
    secrets.push(server.operatorKey!, maker.certificate.key);
    const consents = createClient(ConsentService, person.transport);
    await consents.createConsent({
      requestId: canaries.request,
      consent: {
        grantee: maker.organization,
        provisions: [
          {
            effect: Provision_Effect.PERMIT,
            directions: [Direction.CONTRIBUTE],
            categories: [{ name: "body" }, { name: "heart" }],
          },
        ],
        notice: { uri: canaries.notice, language: "en", sha256: "0".repeat(64) },
      },
    });
    // One that denies, which the journal is told, and one that is revoked.
    for (const effect of [Provision_Effect.DENY, Provision_Effect.PERMIT]) {
      const { consent } = await consents.createConsent({
        requestId: `${canaries.request}-${effect}`,
        consent: {
          grantee: maker.organization,
          provisions: [
            {
              effect,
              directions: [Direction.READ],
              categories: [{ name: canaries.category }],
              purposes: [Purpose.PUBLIC_HEALTH],
              ...(effect === Provision_Effect.PERMIT ? { resolution: Resolution.RAW } : {}),
            },
          ],
        },
      });
      if (effect === Provision_Effect.PERMIT) await consents.revokeConsent({ consent: consent!.id });
    }
    const { consents: seen } = await createClient(ConsentService, maker.transport).listConsents({});
    const client = createClient(IngestionService, maker.transport);
    const device = { identifier: canaries.serial, model: "Scale" };
    const { receipt } = await client.createObservations({
      batch: {
        requestId: "secrecy",
        patient: seen[0]!.patient,
        observations: [
          {
            code: { code: "29463-7" },
            effective: { case: "effectiveTime", value: { seconds: 1_760_000_000n } },
            utcOffsetMinutes: 0,
            value: { case: "quantity", value: { value: canaries.value, unit: "ug" } },
            device,
          },
          // Rejected, with the canary in the field that is wrong: its error must not repeat it.
          {
            code: { code: "29463-7" },
            effective: { case: "effectiveTime", value: { seconds: 99_760_000_000n } },
            utcOffsetMinutes: 0,
            value: { case: "quantity", value: { value: canaries.value, unit: "furlongs" } },
            device,
          },
        ],
      },
    });
    expect(receipt?.items.map((item) => item.status)).toEqual([1, 3]);
    expect(JSON.stringify(receipt?.items[1]?.violations)).not.toContain(canaries.value);
    await client.createSeries({
      batch: {
        requestId: "secrecy-series",
        patient: seen[0]!.patient,
        series: [
          {
            code: { code: "29463-7" },
            unit: "ug",
            device,
            times: {
              start: { case: "startTime", value: { seconds: 1_760_000_000n } },
              utcOffsetMinutes: 0,
              spacing: { case: "periodMs", value: 1000 },
            },
            values: {
              case: "decimals",
              value: { wideMantissas: [BigInt(canaries.value), BigInt(canaries.value)] },
            },
          },
        ],
      },
    });
    const { observations } = await createClient(RecordsService, person.transport).listObservations({
      patient: person.id,
      code: { code: "29463-7" },
      purpose: Purpose.PATIENT_REQUEST,
    });
    expect(observations[0]?.observation?.value.value).toMatchObject({ value: canaries.value });
  });

  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  test("no file of the data directory holds a name, a serial number, a value or a key in clear", () => {
    const files = filesBelow(dataDir);
    expect(files.length).toBeGreaterThan(6);
    for (const [kind, canary] of Object.entries(canaries)) expect(holders(files, canary), kind).toEqual([]);
    for (const secret of secrets) expect(holders(files, secret.trim())).toEqual([]);
  });

  test("no store but identity's names an organization: nothing says with whom a patient deals", () => {
    const named = holders(filesBelow(dataDir), maker.organization).map((file) => basename(file));
    expect(named.filter((file) => !/^identity\.db/.test(file))).toEqual([]);
    expect(named).toContainEqual(expect.stringMatching(/^identity\.db/));
  });

  test("the search would find a canary that lies in clear", () => {
    const files = filesBelow(dataDir);
    // The organization's name is no secret: it lies in clear, so it proves that the search sees into the files.
    expect(holders(files, "Maker")).not.toEqual([]);
  });

  test("the server's log, at its most talkative, holds none of them", () => {
    expect(readFileSync(logFile, "utf8")).toContain("CreateObservations");
    for (const canary of [...Object.values(canaries), ...secrets])
      expect(holders([logFile], canary)).toEqual([]);
    const lines = readFileSync(logFile, "utf8")
      .split("\n")
      .filter((line) => line.includes('"msg":"call"'));
    expect(lines.join("\n")).not.toMatch(/127\.0\.0\.1|::1/);
    expect(lines.join("\n")).not.toContain(person.id);
    const outside = lines.map((line) => JSON.parse(line)).filter(({ workload }) => workload === "outside");
    expect(outside.length).toBeGreaterThan(0);
    for (const { caller_address } of outside) expect(caller_address).toMatch(/^[\w-]{16}$/);
    const applications = outside.flatMap(({ application }) => application ?? []);
    expect([...new Set(applications)]).toEqual([expect.stringMatching(/^app_/)]);
    expect(readFileSync(logFile, "utf8")).not.toMatch(/eyJ[\w-]+\.[\w-]+\.[\w-]+/);
  });

  test("the published log tells nobody who read what", async () => {
    const { checkpoint } = await createClient(AuditService, person.transport).getCheckpoint({});
    const size = Number(checkpoint.split("\n")[1]);
    const bundle = Buffer.from(
      await (await fetch(`${server.http}/log/tile/entries/000.p/${size}`)).arrayBuffer(),
    );
    expect(bundle.byteLength).toBe(size * (2 + 32));
    for (const id of [person.id, maker.organization]) expect(bundle.includes(Buffer.from(id))).toBe(false);
  });

  test("after an erasure nothing opens: not by reading, not by a restart, not the name", async () => {
    const { erasure } = await createClient(RecordsService, person.transport).erasePatient({
      patient: person.id,
    });
    expect(erasure?.receipt?.keysDestroyed).toBe(1);
    expect(await server.stop()).toBe(0);
    server = { ...(await startServer({ dataDir, logFile })), operatorKey: server.operatorKey! };
    operator = operatorAt(server);
    const { patient } = await createClient(PatientService, operator).getPatient({ patient: person.id });
    expect(patient).toMatchObject({ displayName: "" });
    expect(patient?.eraseTime).toBeDefined();
    for (const canary of Object.values(canaries))
      expect(holders(filesBelow(folder.path), canary)).toEqual([]);
  });
});
