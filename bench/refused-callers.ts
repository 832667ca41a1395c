/**
 * What a refused caller costs the server: CPU of the process for a request that is answered with a refusal, at each door.
 * Prints microseconds a request; at the gRPC door, where a refusal ends the connection, above a connection with no call: that speaks TLS
 * and HTTP/2 up to the settings of both sides, and is ended by its client. All but the first are within the minute in which the door
 * remembers that the certificate is over (decision 0090). Run with
 * `node bench/refused-callers.ts [door]`: with \`grpc\`, without the gateway's cases.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { createClient } from "@connectrpc/connect";
import { type Company, enrolCompany, operatorAt } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { usageOf } from "./src/process-usage.ts";

/** A case runs for this long, for this many requests at least, and for as many connections as an address may open in ten seconds. */
const caseMs = 3_000;
const leastRequests = 10;
const mostConnections = 300;
/** A connection ends with the first refusal, so its handshake is told apart: these calls are under way before that. */
const callsAConnection = 20;
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

/** Opens a connection, makes so many calls of it at once, and ends it. */
function overGrpc(
  open: () => ClientHttp2Session,
  {
    message,
    encoding,
    calls,
  }: { readonly message: Buffer; readonly encoding: "gzip" | "identity"; readonly calls: number },
) {
  const payload = encoding === "gzip" ? gzipSync(message) : message;
  const head = Buffer.alloc(5);
  head.writeUInt8(encoding === "gzip" ? 1 : 0, 0);
  head.writeUInt32BE(payload.length, 1);
  const bytes = Buffer.concat([head, payload]);
  const call = (session: ClientHttp2Session) =>
    new Promise<string>((resolve) => {
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
  return async () => {
    const session = open();
    await once(session, "remoteSettings");
    const told = await Promise.all(Array.from({ length: calls }, () => call(session)));
    session.destroy();
    return [...new Set(told)].join();
  };
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

/** Microseconds of CPU of the server for each `call`. */
async function measure(
  server: Server,
  idleUs: number,
  name: string,
  call: () => Promise<string>,
  most = Number.POSITIVE_INFINITY,
): Promise<number> {
  let told = "";
  for (let sent = 0; sent < warmUpRequests; sent++) told = await call();
  const before = usageOf(server.pid).cpuSeconds;
  const started = performance.now();
  const end = started + caseMs;
  let requests = 0;
  for (; requests < most && (requests < leastRequests || performance.now() < end); requests++) await call();
  const used = (usageOf(server.pid).cpuSeconds - before) * 1e6;
  const us = (used - (idleUs * (performance.now() - started)) / 1_000) / requests;
  process.stdout.write(`${name}: ${us.toFixed(0)} us of CPU (${requests} times, ${told})\n`);
  return us;
}

/** A connection of a revoked certificate, with none, one and many calls. */
async function measureRevoked(
  server: Server,
  idleUs: number,
  open: () => ClientHttp2Session,
  message: Buffer,
) {
  for (const encoding of ["gzip", "identity"] as const) {
    const costs: number[] = [];
    for (const calls of [0, 1, callsAConnection]) {
      await delay(10_000); // The address may open so many connections in ten seconds.
      const name = `gRPC door, revoked certificate, ${encoding}: a connection with ${calls} calls`;
      costs.push(
        await measure(server, idleUs, name, overGrpc(open, { message, encoding, calls }), mostConnections),
      );
    }
    const [alone, one, many] = costs as [number, number, number];
    process.stdout.write(
      `gRPC door, revoked certificate, ${encoding}: after TLS ${(one - alone).toFixed(0)} us for the first call and the connection's end, ${((many - one) / (callsAConnection - 1)).toFixed(0)} us for each further one\n`,
    );
  }
}

async function measureGateway(server: Server, idleUs: number, message: Buffer): Promise<void> {
  const zipped = gzipSync(message);
  const proto = { "content-type": "application/proto" };
  const gzip = { ...proto, "content-encoding": "gzip" };
  const wrong = { ...gzip, authorization: `Bearer wellapi_sk_${"x".repeat(43)}` };
  process.stdout.write(`${message.length / 2} empty series, ${zipped.length} bytes compressed\n`);
  const cases = {
    "no credential, compressed": overHttp(server, gzip, zipped),
    "no credential, small": overHttp(server, proto, Buffer.from("x")),
    "wrong API key, compressed": overHttp(server, wrong, zipped),
    "no credential, compressed GET": byGet(server),
  };
  for (const [name, call] of Object.entries(cases)) await measure(server, idleUs, `gateway, ${name}`, call);
}

const [door] = process.argv.slice(2);
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
  const open = () => {
    const session = connectHttp2(server.grpc, { cert, key, ca });
    session.on("error", () => {});
    return session;
  };
  await delay(2_000); // What a start leaves to be done.
  const idleUs = await idle(server);
  const message = emptySeries();
  if (door !== "grpc") await measureGateway(server, idleUs, message);
  await measureRevoked(server, idleUs, open, message);
} finally {
  await server.stop();
  folder.remove();
}
