import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { constants, createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Client, createClient } from "@connectrpc/connect";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { createSessions } from "@wellapi/grpc-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openGrpcTransport, openPeerTransport, spiffeIdOf } from "../src/index.ts";
import { createAuthority } from "./certificates.ts";

/** What grpc-js says to a connection that is too old, or that it drains: first to every stream, then where it stopped. */
function sayGoaway(session: ServerHttp2Session): void {
  session.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1);
  session.close();
}

/** An empty message, and status OK. */
function answer(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(new Uint8Array(5));
}

/** A server whose connections the test has in hand; `requests` in the order in which they came whole. */
let requests: ServerHttp2Stream[];
let sessions: ServerHttp2Session[];
let onRequest: (stream: ServerHttp2Stream) => void;
let client: Client<typeof IngestionService>;
let close: () => void;
let url: string;
let ca: string;

beforeEach(async () => {
  // What an earlier test's server still hears is not this one's.
  const [heard, connected]: [ServerHttp2Stream[], ServerHttp2Session[]] = [[], []];
  requests = heard;
  sessions = connected;
  onRequest = answer;
  const authority = await createAuthority("test");
  const { certificate: cert, privateKey: key } = await authority.issue({ name: "server" });
  const server = createSecureServer({ cert, key, minVersion: "TLSv1.3" });
  server.on("session", (session) => {
    connected.push(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.resume().once("end", () => {
      heard.push(stream);
      if (heard === requests) onRequest(stream);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `https://localhost:${(server.address() as AddressInfo).port}`;
  ca = authority.certificate;
  const opened = openGrpcTransport({
    address: new URL(url).host,
    tls: { serverAuthority: ca },
  });
  client = createClient(IngestionService, opened.transport);
  close = () => {
    opened.close();
    server.close();
    for (const session of connected) session.destroy();
  };
});
afterEach(() => close());

test("a call's end is told before that its writes were cancelled", async () => {
  const connections = createSessions(url, {}, { ca });
  const stream = await connections.request("POST", "/", {}, {});
  const told: string[] = [];
  stream.on("error", () => {});
  stream.once("close", () => told.push(`end ${stream.rstCode}`));
  const written = new Promise<void>((resolve) => {
    // More than a window, so that it is not all written.
    stream.write(new Uint8Array(300_000), "binary", (error) => {
      told.push(`write ${(error as NodeJS.ErrnoException).code}`);
      resolve();
    });
  });
  stream.close(constants.NGHTTP2_REFUSED_STREAM);
  await written;
  expect(told).toEqual([`end ${constants.NGHTTP2_REFUSED_STREAM}`, "write ECANCELED"]);
  connections.abort();
});

test("a call that the server had not read is sent again, whatever it does; one under way is answered", async () => {
  const held = Promise.withResolvers<void>();
  onRequest = () => held.resolve();
  const underWay = client.createSeries({});
  await held.promise;
  onRequest = answer;

  sayGoaway(sessions[0]!);
  // More than a window, so that it is still being written when it is refused.
  const unread = client.createSeries({ batch: { patient: "x".repeat(300_000) } });
  await unread;
  answer(requests[0]!);
  await underWay;
  expect(requests).toHaveLength(2);
  expect(sessions).toHaveLength(2);
});

test("connections of a process that age under load cost no call, and run none twice", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-ageing-"));
  const authority = await createAuthority("mesh");
  const names = { trustDomain: "wellapi.test" };
  const audit = await authority.issue({ name: "audit", uri: spiffeIdOf("audit", names) });
  await writeFile(join(folder, "tls.crt"), audit.certificate);
  await writeFile(join(folder, "tls.key"), audit.privateKey);
  await writeFile(join(folder, "ca.crt"), authority.certificate);
  const program = fileURLToPath(new URL("./ageing-server.ts", import.meta.url));
  const child = spawn(process.execPath, [program, folder, "60"], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const line = async () => (await once(lines, "line"))[0] as string;
  const port = line();
  try {
    const own = { ...(await authority.issue({ name: "gateway", uri: spiffeIdOf("gateway", names) })) };
    const pair = { ...own, authority: authority.certificate };
    const peer = openPeerTransport({
      addresses: [`127.0.0.1:${await port}`],
      tls: {
        certificates: { current: () => pair, onChange: () => () => {}, close: () => {} },
        names,
        workload: "audit",
      },
      retries: { attempts: 1 }, // the method may be repeated: here nothing is, but what the server had not read
    });
    const log = createClient(AuditService, peer.transport);
    let until = performance.now() + 4_000;
    let calls = 0;
    const caller = async (pauseMs: number): Promise<void> => {
      while (performance.now() < until) {
        await log.getLogFile({ path: "checkpoint" });
        calls++;
        await delay(pauseMs);
      }
    };
    // Busy ones find connections that end in the middle of their calls, sparse ones some that end between them.
    await Promise.all(Array.from({ length: 10 }, () => caller(0)));
    until += 3_000;
    await Promise.all([caller(7), caller(11)]);
    peer.close();
    child.stdin.end();
    expect(Number(await line())).toBe(calls);
    expect(calls).toBeGreaterThan(50);
  } finally {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true });
  }
}, 30_000);
