import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import {
  anonymous,
  certificateIdentity,
  createDoor,
  openWorkloadCertificates,
  serverInterceptors,
  sidecarIdentity,
  spiffeIdOf,
  type WorkloadCertificates,
} from "@wellapi/rpc";
import { createTrustingAuthentication, partialRoute } from "@wellapi/rpc/testing";
import { silentLogger } from "@wellapi/runtime";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Authority, createAuthority } from "../../rpc/test/certificates.ts";
import { createRemoteSurface, type HttpServerOptions, openHttpServer, type Surface } from "../src/index.ts";

const names = { trustDomain: "wellapi.test" };
let mesh: Authority;
let stranger: Authority;

beforeAll(async () => {
  mesh = await createAuthority("mesh");
  stranger = await createAuthority("another mesh");
});

async function certificatesOf(workload: string, authority = mesh): Promise<WorkloadCertificates> {
  const issued = await authority.issue({ name: workload, uri: spiffeIdOf(workload, names) });
  const folder = await mkdtemp(join(tmpdir(), "surface-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const files = {
    certificate: join(folder, "tls.crt"),
    privateKey: join(folder, "tls.key"),
    authority: join(folder, "ca.crt"),
  };
  await writeFile(files.certificate, issued.certificate);
  await writeFile(files.privateKey, issued.privateKey);
  await writeFile(files.authority, mesh.certificate);
  const certificates = await openWorkloadCertificates({ files, everyMs: 60_000, log: silentLogger });
  onTestFinished(() => certificates.close());
  return certificates;
}

const usual = { host: "127.0.0.1", port: 0, portSetting: "PORT", corsOrigins: [], log: silentLogger };

async function serve(
  options: Pick<HttpServerOptions, "surfaces"> & Partial<HttpServerOptions>,
): Promise<number> {
  const server = await openHttpServer({ ...usual, ...options });
  onTestFinished(() => server.close());
  return server.port;
}

/** What the service got, and a few kinds of answers. */
function files(): { surface: Surface; streamed: PromiseWithResolvers<void> } {
  const streamed = Promise.withResolvers<void>();
  const surface: Surface = {
    name: "files",
    paths: ["/files/", "/file"],
    methods: ["GET", "POST"],
    requestHeaders: ["prefer"],
    bodies: { limit: 2_000_000, parsers: { "text/plain": (bytes) => bytes.length } },
    mount(app) {
      app.get("/files/seen", async ({ headers, url }) => ({ headers, url }));
      app.post("/files/length", { config: { rpc: TokenService.method.getJwks } }, async ({ body }) => ({
        length: body,
      }));
      app.get("/files/teapot", async (_request, reply) =>
        reply.code(418).header("etag", '"1"').send("short"),
      );
      app.get("/files/two", async (_request, reply) => {
        const parts = async function* () {
          yield "one";
          await streamed.promise;
          yield "two";
        };
        return reply.type("text/plain").send(Readable.from(parts()));
      });
      app.get("/file", async () => "one file");
    },
  };
  return { surface, streamed };
}

/** Lets anybody in, for the RPC that anybody may call. */
const door = createDoor({
  routes: [partialRoute(TokenService, {})],
  interceptors: serverInterceptors({
    log: silentLogger,
    authentication: createTrustingAuthentication({ ...anonymous, workload: "gateway" }),
  }),
});

/** The service's process with its certificate, before it the edge's. */
async function behindEdge(options: { service?: string; edge?: string; authority?: Authority } = {}) {
  const { surface, streamed } = files();
  const own = (await certificatesOf(options.service ?? "audit", options.authority)).current();
  const port = await serve({
    surfaces: [{ surface, door }],
    tls: { certificate: own.certificate, privateKey: own.privateKey, clientAuthority: own.authority },
    peer: { workload: "gateway", identity: certificateIdentity(names) },
  });
  const certificates = await certificatesOf(options.edge ?? "gateway");
  const remote = createRemoteSurface({
    surface,
    addresses: [`127.0.0.1:${port}`],
    tls: { certificates, names, workload: "audit" },
  });
  const edge = await serve({ surfaces: [{ surface: remote }] });
  return { url: `http://127.0.0.1:${edge}`, edge, port, streamed, certificates, surface };
}

describe("a surface of another process", () => {
  test("gets requests as they come, without what belongs to a connection or only the inside may say", async () => {
    const { url } = await behindEdge();
    const headers = {
      authorization: "Bearer key",
      prefer: "return=minimal",
      "x-request-id": "request-0001",
      "x-forwarded-client-cert": `URI=${spiffeIdOf("gateway", names)}`,
      "x-forwarded-for": "10.0.0.1",
      "wellapi-patient": "local/pat_1",
      traceparent: "00-1-1-01",
      te: "trailers",
    };
    const answer = await fetch(`${url}/files/seen?a=1&b=%20`, { headers });
    const seen = (await answer.json()) as { headers: Record<string, string>; url: string };
    expect(seen.url).toBe("/files/seen?a=1&b=%20");
    expect(seen.headers).toMatchObject({
      authorization: "Bearer key",
      prefer: "return=minimal",
      "x-request-id": "request-0001",
    });
    for (const name of ["x-forwarded-client-cert", "x-forwarded-for", "wellapi-patient", "traceparent", "te"])
      expect(seen.headers, name).not.toHaveProperty(name);
    expect(answer.headers.get("content-security-policy")).toBe("default-src 'none';frame-ancestors 'none'");
  });

  test("answers as it goes: status, headers, and each part when it is there", async () => {
    const { url, streamed } = await behindEdge();
    const teapot = await fetch(`${url}/files/teapot`);
    expect([teapot.status, teapot.headers.get("etag"), await teapot.text()]).toEqual([418, '"1"', "short"]);
    expect(await (await fetch(`${url}/file`)).text()).toBe("one file");
    const reader = (await fetch(`${url}/files/two`)).body!.getReader();
    const part = async () => Buffer.from((await reader.read()).value!).toString();
    expect(await part()).toBe("one");
    streamed.resolve();
    expect(await part()).toBe("two");
  });

  test("gets bodies whole, and refuses by its own limit", async () => {
    const { url } = await behindEdge();
    const send = (length: number) =>
      fetch(`${url}/files/length`, {
        method: "POST",
        body: "x".repeat(length),
        headers: { "content-type": "text/plain" },
      });
    expect(await (await send(1_500_000)).json()).toEqual({ length: 1_500_000 });
    expect((await send(2_000_001)).status).toBe(413);
  });

  test.each(["/files/../secret", "/files/%2e%2e/secret", "/files/..%2fsecret/%2e%2e/%2e%2e/x"])(
    "gets no path that leads out of its own: %s",
    async (path) => {
      const { edge } = await behindEdge();
      const sent = request({ port: edge, host: "127.0.0.1", path }).end();
      const [answer] = await once(sent, "response");
      answer.resume();
      expect(answer.statusCode).toBe(404);
    },
  );

  test("that is away is told so, with when to ask again; another of its processes answers", async () => {
    const { surface, certificates, port } = await behindEdge();
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const dead = `127.0.0.1:${(closed.address() as AddressInfo).port}`;
    await once(closed.close(), "close");
    const tls = { certificates, names, workload: "audit" };
    const askWith = async (addresses: readonly string[]) => {
      const edge = await serve({ surfaces: [{ surface: createRemoteSurface({ surface, addresses, tls }) }] });
      return fetch(`http://127.0.0.1:${edge}/file`);
    };
    const away = await askWith([dead]);
    expect([away.status, away.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await away.json()).toMatchObject({ reason: "UNAVAILABLE" });
    for (const addresses of [
      [dead, `127.0.0.1:${port}`],
      [`127.0.0.1:${port}`, dead],
    ])
      expect((await askWith(addresses)).status).toBe(200);
  });
});

describe("between the edge and the service, who is who is a matter of certificates:", () => {
  test("a server that is another service of the mesh is not asked", async () => {
    const { url } = await behindEdge({ service: "ingestion" });
    expect((await fetch(`${url}/file`)).status).toBe(503);
  });

  test("a server of another mesh is not asked", async () => {
    const { url } = await behindEdge({ authority: stranger });
    expect((await fetch(`${url}/file`)).status).toBe(503);
  });

  test("another service of the mesh is refused, whatever it says that it forwards", async () => {
    const { url } = await behindEdge({ edge: "records" });
    const forged = { "x-forwarded-client-cert": `URI=${spiffeIdOf("gateway", names)}` };
    const answer = await fetch(`${url}/file`, { headers: forged });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ reason: "CALLER_NOT_PERMITTED" });
  });

  test("nobody talks to the service in plain text", async () => {
    const { port } = await behindEdge();
    await expect(fetch(`http://127.0.0.1:${port}/file`)).rejects.toThrow();
  });

  test("behind a sidecar its last word counts", async () => {
    const { surface } = files();
    const port = await serve({
      surfaces: [{ surface, door }],
      peer: { workload: "gateway", identity: sidecarIdentity(names) },
    });
    const statusWith = async (certificate?: string) => {
      const headers = certificate ? { "x-forwarded-client-cert": certificate } : {};
      return (await fetch(`http://127.0.0.1:${port}/file`, { headers })).status;
    };
    const gateway = `By=x;URI=${spiffeIdOf("gateway", names)}`;
    const records = `By=x;URI=${spiffeIdOf("records", names)}`;
    expect(await statusWith(gateway)).toBe(200);
    expect(await statusWith(`${records},${gateway}`)).toBe(200);
    expect(await statusWith(`${gateway},${records}`)).toBe(403);
    expect(await statusWith()).toBe(403);
  });
});
