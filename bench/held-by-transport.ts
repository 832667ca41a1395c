/**
 * How much of a patient's data a client that reads slowly still gets after RevokeConsent has returned, at each door of one
 * process: what TLS, HTTP/2 and the kernels held. Prints bytes; run with `node bench/held-by-transport.ts`.
 */
import { randomUUID } from "node:crypto";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson, operatorAt } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { ItemOutcome_Status, SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { ReadSeriesRequestSchema } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";

const code = "8867-4";
const method = "/wellapi.records.v1.RecordsService/ReadSeries";
/** The client reads nothing for so long while the server writes what it can. */
const stalledMs = 2_000;
const batches = 40;
const samplesABatch = 50_000;

interface Held {
  readonly beforeRevocation: number;
  readonly after: number;
}

async function openScene(server: Server) {
  const maker = await enrolCompany(server, "Held maker");
  const clinic = await enrolCompany(server, "Held clinic");
  const person = await enrolPerson(server, "Held person");
  await grant(person, maker, Direction.CONTRIBUTE);
  const idAt = async (company: Company) =>
    (await createClient(ConsentService, company.transport).listConsents({})).consents[0]!.patient;
  const atMaker = await idAt(maker);
  const ingestion = createClient(IngestionService, maker.transport);
  for (let i = 0; i < batches; i++) {
    const start = Date.parse("2026-01-01T00:00:00Z") + i * samplesABatch * 1_000;
    const series = {
      code: { code },
      unit: "/min",
      times: {
        start: { case: "startTime" as const, value: timestampFromMs(start) },
        utcOffsetMinutes: 0,
        spacing: { case: "periodMs" as const, value: 1_000 },
      },
      // Such as compress badly.
      values: {
        case: "decimals" as const,
        value: {
          scale: 4,
          mantissas: Array.from(
            { length: samplesABatch },
            () => 600_000 + Math.floor(Math.random() * 900_000),
          ),
        },
      },
    };
    const batch = create(SeriesBatchSchema, { requestId: randomUUID(), patient: atMaker, series: [series] });
    const { receipt } = await ingestion.createSeries({ batch });
    if (receipt?.items[0]?.status !== ItemOutcome_Status.ACCEPTED)
      throw new Error("a batch was not accepted");
  }
  return { clinic, person, idAt };
}

async function apiKeyOf(server: Server, { organization }: Company): Promise<string> {
  const operator = operatorAt(server);
  const { applications } = await createClient(OrganizationService, operator).listApplications({
    organization,
  });
  const asked = { application: applications[0]!.id, requestId: randomUUID() };
  return (await createClient(CredentialService, operator).createApiKey(asked)).apiKey;
}

/** Opens the stream, stalls, revokes, and reads what is left. */
async function stalled(
  open: () => { pause(): void; resume(): void; bytes(): number; ended: Promise<unknown> },
  revoke: () => Promise<unknown>,
): Promise<Held> {
  const stream = open();
  while (stream.bytes() === 0) await delay(5);
  stream.pause();
  await delay(stalledMs);
  await revoke();
  const beforeRevocation = stream.bytes();
  stream.resume();
  await Promise.race([stream.ended, delay(5_000)]);
  return { beforeRevocation, after: stream.bytes() - beforeRevocation };
}

const folder = temporaryFolder();
const server = await startServer({ dataDir: folder.path, target: "one-process" });
try {
  const { clinic, person, idAt } = await openScene(server);
  const key = await apiKeyOf(server, clinic);
  const consents = createClient(ConsentService, person.transport);
  for (const door of ["grpc", "gateway"] as const) {
    const consent = await grant(person, clinic, Direction.READ);
    const patient = await idAt(clinic);
    const request = create(ReadSeriesRequestSchema, { patient, code: { code }, purpose: Purpose.TREATMENT });
    const held = await stalled(
      () => (door === "grpc" ? overHttp2(server, clinic, request) : overHttp1(server, key, request)),
      () => consents.revokeConsent({ consent }),
    );
    process.stdout.write(`${door}: ${JSON.stringify(held)}\n`);
  }
} finally {
  await server.stop();
  folder.remove();
}

type Request = ReturnType<typeof create<typeof ReadSeriesRequestSchema>>;

function envelope(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function overHttp2({ grpc }: Server, { certificate }: Company, request: Request) {
  const { cert, key, ca } = certificate;
  const session = connectHttp2(grpc, { cert, key, ca });
  const stream = session.request({
    ":method": "POST",
    ":path": method,
    "content-type": "application/grpc",
    te: "trailers",
  });
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => (bytes += chunk.length));
  stream.end(envelope(toBinary(ReadSeriesRequestSchema, request)));
  const ended = new Promise((resolve) => stream.once("close", resolve)).then(() => session.close());
  return {
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    bytes: () => bytes,
    ended,
  };
}

function overHttp1({ http }: Server, key: string, request: Request) {
  const { hostname, port } = new URL(http);
  const body = envelope(Buffer.from(toJsonString(ReadSeriesRequestSchema, request)));
  const socket = connectTcp(Number(port), hostname);
  let bytes = 0;
  socket.on("data", (chunk) => (bytes += chunk.length));
  socket.write(
    `POST ${method} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${key}\r\ncontent-type: application/connect+json\r\nconnect-protocol-version: 1\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`,
  );
  socket.write(body);
  const ended = new Promise((resolve) => socket.once("close", resolve));
  return {
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    bytes: () => bytes,
    ended,
  };
}
