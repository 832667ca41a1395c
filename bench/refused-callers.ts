/**
 * What a refused caller costs the server: CPU of the process for a request that is answered with a refusal, at each door.
 * Prints microseconds a request; run with `node bench/refused-callers.ts`.
 */
import { randomUUID } from "node:crypto";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
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

function overGrpc(session: ClientHttp2Session, message: Buffer, encoding: "gzip" | "identity") {
  const payload = encoding === "gzip" ? gzipSync(message) : message;
  const head = Buffer.alloc(5);
  head.writeUInt8(encoding === "gzip" ? 1 : 0, 0);
  head.writeUInt32BE(payload.length, 1);
  const bytes = Buffer.concat([head, payload]);
  return () =>
    new Promise<string>((resolve, reject) => {
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
      stream.on("error", (error: NodeJS.ErrnoException) => status === "" && reject(error));
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

async function measure(server: Server, name: string, call: () => Promise<string>): Promise<void> {
  let told = "";
  for (let sent = 0; sent < warmUpRequests; sent++) told = await call();
  const before = usageOf(server.pid).cpuSeconds;
  const end = performance.now() + caseMs;
  let requests = 0;
  for (; requests < leastRequests || performance.now() < end; requests++) await call();
  const us = ((usageOf(server.pid).cpuSeconds - before) * 1e6) / requests;
  process.stdout.write(`${name}: ${us.toFixed(0)} us of CPU a request (${requests} requests, ${told})\n`);
}

const folder = temporaryFolder();
const server = await startServer({
  dataDir: folder.path,
  target: "one-process",
  env: { WELLAPI_LOG_LEVEL: "info" },
  logFile: "/dev/null",
});
try {
  const company = await enrolCompany(server, `refused ${randomUUID()}`);
  await revoke(server, company);
  const { cert, key, ca } = company.certificate;
  const session = connectHttp2(server.grpc, { cert, key, ca });
  const message = emptySeries();
  const zipped = gzipSync(message);
  const proto = { "content-type": "application/proto" };
  const gzip = { ...proto, "content-encoding": "gzip" };
  const bad = { authorization: `Bearer wellapi_sk_${"x".repeat(43)}` };
  process.stdout.write(`${message.length / 2} empty series, ${zipped.length} bytes compressed\n`);
  await measure(server, "gateway, no credential, compressed", overHttp(server, gzip, zipped));
  await measure(server, "gateway, no credential, small", overHttp(server, proto, Buffer.from("x")));
  await measure(server, "gateway, wrong API key, compressed", overHttp(server, { ...gzip, ...bad }, zipped));
  await measure(server, "gateway, no credential, compressed GET", byGet(server));
  await measure(server, "gRPC door, revoked certificate, compressed", overGrpc(session, message, "gzip"));
  await measure(
    server,
    "gRPC door, revoked certificate, uncompressed",
    overGrpc(session, message, "identity"),
  );
  session.close();
} finally {
  await server.stop();
  folder.remove();
}
