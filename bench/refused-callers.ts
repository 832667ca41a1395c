/**
 * What a refused caller costs the server: CPU of the process for a request that is answered with a refusal, at each door.
 * Prints microseconds a request; run with `node bench/refused-callers.ts`.
 */
import { randomUUID } from "node:crypto";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { createClient } from "@connectrpc/connect";
import { type Company, enrolCompany, operatorAt } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { usageOf } from "./src/process-usage.ts";

/** A case runs for this long, and for this many requests at least. */
const caseMs = 3_000;
const leastRequests = 10;
const warmUpRequests = 10;

const createSeries = "wellapi.ingestion.v1.IngestionService/CreateSeries";
const getCheckpoint = "wellapi.audit.v1.AuditService/GetCheckpoint";

/** `batch` (field 1) with as many empty `series` (field 4) as a message of a megabyte holds. */
function emptySeries(): Buffer {
  const series = Buffer.alloc(680_000);
  for (let at = 0; at < series.length; at += 2) series[at] = 0x22;
  const length = [];
  for (let left = series.length; left > 0; left >>>= 7) length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
  return Buffer.concat([Buffer.from([0x0a, ...length]), series]);
}

type Headers = Readonly<Record<string, string>>;

function overHttp({ http }: Server, headers: Headers, body: Buffer): () => Promise<string> {
  return async () => {
    const answer = await fetch(`${http}/${createSeries}`, {
      method: "POST",
      headers,
      body: new Uint8Array(body),
    });
    await answer.arrayBuffer();
    return String(answer.status);
  };
}

function byGet({ http }: Server): () => Promise<string> {
  const message = gzipSync(`{"x":${"[".repeat(500_000)}${"]".repeat(500_000)}}`).toString("base64url");
  const query = new URLSearchParams({
    connect: "v1",
    encoding: "json",
    base64: "1",
    compression: "gzip",
    message,
  });
  return async () => {
    const answer = await fetch(`${http}/${getCheckpoint}?${query}`);
    await answer.arrayBuffer();
    return `${answer.status}, ${message.length} bytes of URL`;
  };
}

/** The server may end a connection on which refused bodies keep coming (ENHANCE_YOUR_CALM): then there is a new one. */
function overGrpc(open: () => ClientHttp2Session, message: Buffer, encoding: "gzip" | "identity") {
  let session = open();
  const payload = encoding === "gzip" ? gzipSync(message) : message;
  const head = Buffer.alloc(5);
  head.writeUInt8(encoding === "gzip" ? 1 : 0, 0);
  head.writeUInt32BE(payload.length, 1);
  const bytes = Buffer.concat([head, payload]);
  return () =>
    new Promise<string>((resolve) => {
      if (session.closed || session.destroyed) session = open();
      const stream = session.request({
        ":method": "POST",
        ":path": `/${createSeries}`,
        "content-type": "application/grpc",
        "grpc-encoding": encoding,
        te: "trailers",
      });
      let status = "";
      const note = (headers: Record<string, unknown>) => (status = String(headers["grpc-status"] ?? status));
      stream.on("response", note);
      stream.on("trailers", note);
      stream.on("error", () => {}); // "close" follows
      stream.on("close", () => resolve(`grpc-status ${status}`));
      stream.resume();
      stream.end(bytes);
    });
}

async function revoke(server: Server, { organization }: Company): Promise<void> {
  const operator = operatorAt(server);
  const { applications } = await createClient(OrganizationService, operator).listApplications({
    organization,
  });
  const credentials = createClient(CredentialService, operator);
  const application = applications[0]!.id;
  for (const { id } of (await credentials.listCredentials({ application })).credentials) {
    await credentials.revokeCredential({ credential: id });
  }
}

/** Microseconds of CPU a second that the server uses without calls. */
async function idle(server: Server): Promise<number> {
  const before = usageOf(server.pid).cpuSeconds;
  await delay(caseMs);
  return ((usageOf(server.pid).cpuSeconds - before) * 1e9) / caseMs;
}

async function measure(
  server: Server,
  idleUs: number,
  name: string,
  call: () => Promise<string>,
): Promise<void> {
  let told = "";
  for (let sent = 0; sent < warmUpRequests; sent++) told = await call();
  const before = usageOf(server.pid).cpuSeconds;
  const started = performance.now();
  const end = started + caseMs;
  let requests = 0;
  for (; requests < leastRequests || performance.now() < end; requests++) await call();
  const used = (usageOf(server.pid).cpuSeconds - before) * 1e6;
  const us = (used - (idleUs * (performance.now() - started)) / 1_000) / requests;
  process.stdout.write(`${name}: ${us.toFixed(0)} us of CPU a request (${requests} requests, ${told})\n`);
}

const folder = temporaryFolder();
const server = await startServer({
  dataDir: folder.path,
  target: "one-process",
  // Without the budget of this address, which would refuse most of them by its own line.
  env: { WELLAPI_LOG_LEVEL: "info", WELLAPI_ADDRESS_RATE: "10000000" },
  logFile: "/dev/null",
});
try {
  const company = await enrolCompany(server, `refused ${randomUUID()}`);
  await revoke(server, company);
  const { cert, key, ca } = company.certificate;
  const sessions: ClientHttp2Session[] = [];
  const open = () => {
    const session = connectHttp2(server.grpc, { cert, key, ca });
    session.on("error", () => {});
    sessions.push(session);
    return session;
  };
  await delay(2_000); // What a start leaves to be done.
  const idleUs = await idle(server);
  const message = emptySeries();
  const zipped = gzipSync(message);
  const proto = { "content-type": "application/proto" };
  const gzip = { ...proto, "content-encoding": "gzip" };
  const bad = { authorization: `Bearer wellapi_sk_${"x".repeat(43)}` };
  process.stdout.write(`${message.length / 2} empty series, ${zipped.length} bytes compressed\n`);
  await measure(server, idleUs, "gateway, no credential, compressed", overHttp(server, gzip, zipped));
  await measure(server, idleUs, "gateway, no credential, small", overHttp(server, proto, Buffer.from("x")));
  await measure(
    server,
    idleUs,
    "gateway, wrong API key, compressed",
    overHttp(server, { ...gzip, ...bad }, zipped),
  );
  await measure(server, idleUs, "gateway, no credential, compressed GET", byGet(server));
  await measure(
    server,
    idleUs,
    "gRPC door, revoked certificate, compressed",
    overGrpc(open, message, "gzip"),
  );
  await measure(
    server,
    idleUs,
    "gRPC door, revoked certificate, uncompressed",
    overGrpc(open, message, "identity"),
  );
  for (const session of sessions) session.destroy();
} finally {
  await server.stop();
  folder.remove();
}
