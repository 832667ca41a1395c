import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:tls";
import { Code, type ConnectError, createClient } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@wellapi/gen/grpc/health/v1/health_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { silentLogger } from "@wellapi/runtime";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  assertInterceptors,
  type GrpcServer,
  openGrpcServer,
  openGrpcTransport,
  peerCertificateKey,
  problemOf,
  type Route,
  RpcError,
  serverInterceptors,
} from "../src/index.ts";
import { createTrustingAuthentication } from "../src/testing.ts";
import { type Authority, createAuthority, type Identity, selfSigned } from "./certificates.ts";

const observation = { patient: "pat_1", observation: "obs_1", purpose: Purpose.TREATMENT };
const watch = { patient: "pat_1", codes: [{ code: "8867-4" }], purpose: Purpose.TREATMENT };

const interceptors = serverInterceptors({
  log: silentLogger,
  authentication: createTrustingAuthentication({
    principal: { kind: "application", id: "app_1", organization: "org_1" },
    workload: "door",
    token: "t",
  }),
});

let authority: Authority;
let server: GrpcServer;
const closing: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  authority = await createAuthority("ours");
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(implementation: object = {}): Promise<void> {
  const routes: Route[] = [{ service: RecordsService, implementation }];
  const identity = await authority.issue({ name: "server" });
  server = await openGrpcServer({
    routes,
    interceptors,
    host: "127.0.0.1",
    port: 0,
    tls: { ...identity, clientAuthority: authority.certificate },
    reflection: true,
    log: silentLogger,
  });
  closing.push(() => server.close());
}

function client(identity?: Identity) {
  const opened = openGrpcTransport({
    address: `localhost:${server.port}`,
    tls: { ...identity, serverAuthority: authority.certificate },
  });
  closing.push(opened.close);
  return {
    records: createClient(RecordsService, opened.transport),
    health: createClient(Health, opened.transport),
  };
}

describe("who is let in", () => {
  test("a certificate of the authority, and the handler can see it", async () => {
    await open({
      getObservation: (_request: unknown, context: { values: { get(key: unknown): Uint8Array } }) => ({
        access: new X509Certificate(context.values.get(peerCertificateKey)).subjectAltName ?? "",
      }),
    });
    const identity = await authority.issue({ name: "client", uri: "spiffe://wellapi.test/app/app_1" });
    const { access } = await client(identity).records.getObservation(observation);
    expect(access).toContain("URI:spiffe://wellapi.test/app/app_1");
  });

  test.each<[string, () => Promise<Identity | undefined>]>([
    ["no certificate", async () => undefined],
    ["an expired certificate", () => authority.issue({ name: "client", expired: true })],
    ["a self-signed certificate", () => selfSigned("client")],
    [
      "another authority's certificate",
      async () => (await createAuthority("ours")).issue({ name: "client" }),
    ],
  ])("not %s", async (_name, identity) => {
    await open({ getObservation: () => ({ access: "reached" }) });
    const call = client(await identity()).records.getObservation(observation, { timeoutMs: 5_000 });
    await expect(call).rejects.toMatchObject({ name: "ConnectError" });
    await expect(call).rejects.not.toMatchObject({ code: Code.DeadlineExceeded });
  });

  test("not TLS 1.2, also after a reload", async () => {
    await open();
    const { certificate: cert, privateKey: key } = await authority.issue({ name: "client" });
    const handshake = async (version: "TLSv1.2" | "TLSv1.3"): Promise<string> => {
      const options = { minVersion: version, maxVersion: version, cert, key, ca: authority.certificate };
      const socket = connect({ host: "localhost", port: server.port, ALPNProtocols: ["h2"], ...options });
      try {
        await once(socket, "secureConnect");
        return socket.getProtocol() ?? "";
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? "";
      } finally {
        socket.destroy();
      }
    };
    expect(await handshake("TLSv1.3")).toBe("TLSv1.3");
    expect(await handshake("TLSv1.2")).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    server.reload({ ...(await authority.issue({ name: "next" })), clientAuthority: authority.certificate });
    expect(await handshake("TLSv1.2")).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    expect(await handshake("TLSv1.3")).toBe("TLSv1.3");
  });
});

test("a reload serves the new certificate and refuses a pair that doesn't fit", async () => {
  await open();
  const mine = await authority.issue({ name: "client" });
  const subject = async (): Promise<string> => {
    const socket = connect({
      host: "localhost",
      port: server.port,
      cert: mine.certificate,
      key: mine.privateKey,
      ca: authority.certificate,
      ALPNProtocols: ["h2"],
    });
    await once(socket, "secureConnect");
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  };
  expect(await subject()).toBe("server");
  const [one, two] = [await authority.issue({ name: "one" }), await authority.issue({ name: "two" })];
  server.reload({ ...one, clientAuthority: authority.certificate });
  expect(await subject()).toBe("one");
  expect(() =>
    server.reload({ ...two, privateKey: one.privateKey, clientAuthority: authority.certificate }),
  ).toThrow();
  expect(await subject()).toBe("one");
});

test("health answers for the server and each service, and tells watchers of a drain", async () => {
  const started = Promise.withResolvers<void>();
  await open({
    async *watchSeries(_request: unknown, context: { signal: AbortSignal }) {
      yield {};
      started.resolve();
      await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
    },
  });
  const { health, records } = client(await authority.issue({ name: "client" }));
  expect((await health.check({})).status).toBe(Status.SERVING);
  expect((await health.check({ service: RecordsService.typeName })).status).toBe(Status.SERVING);
  await expect(health.check({ service: "nothing" })).rejects.toMatchObject({ code: Code.NotFound });

  const open1 = Array.fromAsync(records.watchSeries(watch)).catch((error: ConnectError) => error);
  await started.promise;
  const seen: Status[] = [];
  let draining: Promise<void> | undefined;
  const watching = (async () => {
    for await (const { status } of health.watch({})) {
      seen.push(status);
      if (seen.length === 1) draining = server.drain(200);
    }
  })().catch((error: ConnectError) => error);
  // The call that doesn't end by itself is told to come again, and the server goes.
  expect(problemOf((await open1) as ConnectError)).toMatchObject({
    code: Code.Unavailable,
    reason: "SERVER_STOPPING",
    retryAfterMs: 1_000,
  });
  await watching;
  await draining;
  expect(seen).toEqual([Status.SERVING, Status.NOT_SERVING]);
  await expect(records.getObservation(observation)).rejects.toMatchObject({ name: "ConnectError" });
});

test("reflection lists the services and describes them", async () => {
  await open();
  const { certificate, privateKey } = await authority.issue({ name: "client" });
  const credentials = grpc.credentials.createSsl(
    Buffer.from(authority.certificate),
    Buffer.from(privateKey),
    Buffer.from(certificate),
  );
  const raw = new grpc.Client(`localhost:${server.port}`, credentials);
  closing.push(() => raw.close());
  const bytes = (buffer: Buffer): Buffer => buffer;
  const path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
  const ask = async (field: number, text: string): Promise<string> => {
    const call = raw.makeBidiStreamRequest(path, bytes, bytes);
    call.end(Buffer.from([(field << 3) | 2, text.length, ...Buffer.from(text)])); // ServerReflectionRequest
    const [answer] = (await once(call, "data")) as [Buffer];
    return answer.toString("latin1");
  };
  const services = await ask(7, ""); // list_services
  expect(services).toContain("wellapi.records.v1.RecordsService");
  expect(services).toContain("grpc.health.v1.Health");
  expect(await ask(4, "wellapi.records.v1.RecordsService")).toContain("QuerySeriesRequest"); // file_containing_symbol
  expect(await ask(4, "google.rpc.BadRequest")).toContain("FieldViolation"); // of an error's details
});

test("a drain lets a unary call finish", async () => {
  const reached = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await open({
    async getObservation() {
      reached.resolve();
      await release.promise;
      return { access: "finished" };
    },
  });
  const answer = client(await authority.issue({ name: "client" })).records.getObservation(observation);
  await reached.promise;
  const drained = server.drain(5_000);
  release.resolve();
  expect((await answer).access).toBe("finished");
  await drained;
});

test("what a handler does last is done before the server is closed", async () => {
  const steps: string[] = [];
  const last = Promise.withResolvers<void>();
  await open({
    async *watchSeries(_request: unknown, context: { signal: AbortSignal }) {
      try {
        yield {};
        await new Promise((_, reject) => {
          context.signal.addEventListener("abort", () => reject(context.signal.reason));
        });
      } finally {
        await last.promise;
        steps.push("leaf");
      }
    },
  });
  const { records } = client(await authority.issue({ name: "client" }));
  const stream = records.watchSeries(watch)[Symbol.asyncIterator]();
  await stream.next();
  const closed = server.close().then(() => steps.push("closed"));
  const error = await stream.next().catch((thrown: ConnectError) => thrown);
  expect(problemOf(error as ConnectError).reason).toBe("SERVER_STOPPING");
  last.resolve();
  await closed;
  expect(steps).toEqual(["leaf", "closed"]);
});

test("a port that is taken says so in one line", async () => {
  await open();
  const again = openGrpcServer({
    routes: [{ service: RecordsService, implementation: {} }],
    interceptors,
    host: "127.0.0.1",
    port: server.port,
    reflection: false,
    log: silentLogger,
  });
  await expect(again).rejects.toThrow(RpcError);
  await expect(again).rejects.toMatchObject({
    code: "address-in-use",
    message: expect.not.stringContaining("\n"),
  });
});

test("refuses other interceptors, and services that don't say who may call", async () => {
  expect(() => assertInterceptors([...interceptors].reverse())).toThrow("in this order");
  expect(() => assertInterceptors(interceptors.slice(1))).toThrow(RpcError);
  const options = { host: "127.0.0.1", port: 0, reflection: false, log: silentLogger };
  await expect(openGrpcServer({ ...options, interceptors: [], routes: [] })).rejects.toMatchObject({
    code: "invalid-interceptors",
  });
  const routes = [{ service: Health, implementation: {} }];
  await expect(openGrpcServer({ ...options, interceptors, routes })).rejects.toMatchObject({
    code: "invalid-route",
  });
});
