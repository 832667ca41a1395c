/** The gateway with a certificate of its own, called by real TLS clients. */
import { execFile } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type RequestOptions, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Exchange, openExchange, parseExchangeConfig } from "@wellapi/host";
import { createLogger, silentLogger } from "@wellapi/runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { warnOfPlainHttp } from "../host/src/http-certificate.ts";
import { type Authority, createAuthority } from "../packages/rpc/test/certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "wellapi-http-tls-"));
const files = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key") };
const env = {
  WELLAPI_DATA_DIR: join(folder, "data"),
  WELLAPI_MASTER_KEY_FILE: join(folder, "master.key"),
  WELLAPI_GRPC_PORT: "0",
  WELLAPI_HTTP_PORT: "0",
  WELLAPI_HTTP_CERT: files.cert,
  WELLAPI_HTTP_KEY: files.key,
};
let authority: Authority;
const lines: Array<Record<string, unknown>> = [];

/** As a renewal does: each file is replaced whole. */
async function renew(name: string, issuer = authority) {
  const { certificate, privateKey } = await issuer.issue({ name });
  for (const [path, text] of [
    [files.key, privateKey],
    [files.cert, certificate],
  ] as const) {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

beforeAll(async () => {
  authority = await createAuthority("test authority");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a gateway with a certificate", () => {
  let exchange: Exchange;
  let port: number;

  beforeAll(async () => {
    await renew("first");
    const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const log = createLogger({ name: "test", env: { WELLAPI_LOG_LEVEL: "info" }, destination });
    exchange = await openExchange(parseExchangeConfig(env), log);
    port = Number(new URL(exchange.httpUrl).port);
  });
  afterAll(() => exchange?.close(), 60_000);

  const trusting = () => ({ host: "localhost", port, ca: authority.certificate });

  function get(path: string, more: RequestOptions = {}) {
    return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>(
      (resolve, reject) => {
        request({ ...trusting(), path, agent: false, ...more }, async (response) => {
          const text = (await response.toArray()).join("");
          resolve({ status: response.statusCode!, headers: response.headers, text });
        })
          .once("error", reject)
          .end();
      },
    );
  }

  /** The protocol that both sides settle on, and whom the server says it is; or why they do not. */
  function handshake(version: "TLSv1.1" | "TLSv1.2" | "TLSv1.3") {
    return new Promise<string>((resolve) => {
      const socket = tlsConnect({
        ...trusting(),
        minVersion: version,
        maxVersion: version,
        // Without it this side would refuse the old protocol itself.
        ciphers: version === "TLSv1.1" ? "DEFAULT@SECLEVEL=0" : undefined,
      });
      socket.once("error", (error: Error & { code?: string }) => resolve(error.code ?? error.message));
      socket.once("secureConnect", () => {
        const { subject } = socket.getPeerCertificate();
        resolve(`${socket.getProtocol()} with ${subject.CN}`);
        socket.destroy();
      });
    });
  }

  test("speaks TLS 1.2 and 1.3, nothing older and no plain text, and tells browsers to stay with it", async () => {
    expect(exchange.httpUrl).toBe(`https://localhost:${port}`);
    const { status, headers, text } = await get("/.well-known/jwks.json");
    expect([status, JSON.parse(text).keys.length]).toEqual([200, 1]);
    expect(headers["strict-transport-security"]).toMatch(/^max-age=31536000/);
    expect(await handshake("TLSv1.3")).toBe("TLSv1.3 with first");
    expect(await handshake("TLSv1.2")).toBe("TLSv1.2 with first");
    expect(await handshake("TLSv1.1")).toMatch(/ERR_SSL|ECONNRESET|PROTOCOL_VERSION/);
    await expect(fetch(`http://localhost:${port}/healthz`)).rejects.toThrow();
    // What is no TLS is no request, and gets no answer.
    expect(lines.filter(({ msg }) => msg === "request refused")).toEqual([]);
    // Nobody has warned of plain HTTP.
    expect(lines.filter(({ reason }) => reason === "PLAIN_HTTP")).toEqual([]);
  });

  test("is called by the command, which trusts the authority that its environment names", async () => {
    const authorityFile = join(folder, "ca.crt");
    writeFileSync(authorityFile, authority.certificate);
    const main = fileURLToPath(import.meta.resolve("@wellapi/cli/main"));
    const call = (ca: Record<string, string>) =>
      promisify(execFile)(process.execPath, [main, "audit", "checkpoint", "--url", exchange.httpUrl], {
        env: { ...process.env, ...ca },
      });
    expect((await call({ NODE_EXTRA_CA_CERTS: authorityFile })).stdout).toContain("wellapi.local");
    await expect(call({})).rejects.toMatchObject({ stderr: expect.stringContaining("certificate") });
  }, 120_000);

  test("takes a renewed certificate for new connections, and no pair that does not fit", async () => {
    await renew("second");
    await expect
      .poll(() => handshake("TLSv1.3"), { timeout: 15_000, interval: 200 })
      .toBe("TLSv1.3 with second");
    const { certificate } = await authority.issue({ name: "without its key" });
    writeFileSync(files.cert, certificate);
    const warned = () => lines.some(({ msg }) => msg === "the gateway's certificate could not be renewed");
    await expect.poll(warned, { timeout: 15_000, interval: 200 }).toBe(true);
    expect(await handshake("TLSv1.3")).toBe("TLSv1.3 with second");
    expect((await get("/healthz")).status).toBe(200);
    await renew("third");
    await expect
      .poll(() => handshake("TLSv1.2"), { timeout: 15_000, interval: 200 })
      .toBe("TLSv1.2 with third");
  }, 120_000);
});

describe("a gateway whose certificate cannot be used does not start, and says which settings name it", () => {
  const start = () => openExchange(parseExchangeConfig(env), silentLogger);

  test("because its key is another one's", async () => {
    await renew("first");
    writeFileSync(files.key, (await authority.issue({ name: "other" })).privateKey);
    const refused = { code: "http_certificate", message: expect.stringContaining("WELLAPI_HTTP_CERT") };
    await expect(start()).rejects.toMatchObject(refused);
  }, 120_000);

  test("because it has ended, or is not there", async () => {
    const { certificate, privateKey } = await authority.issue({ name: "old", expired: true });
    writeFileSync(files.cert, certificate);
    writeFileSync(files.key, privateKey);
    await expect(start()).rejects.toMatchObject({ message: expect.stringContaining("has ended") });
    rmSync(files.cert);
    await expect(start()).rejects.toMatchObject({ code: "http_certificate" });
  }, 120_000);

  test("because only one of the two is named", () => {
    for (const name of ["WELLAPI_HTTP_CERT", "WELLAPI_HTTP_KEY"]) {
      expect(() => parseExchangeConfig({ ...env, [name]: "" })).toThrow(`${name} is not set`);
    }
  });
});

test.each([
  ["127.0.0.1", 0],
  ["localhost", 0],
  ["::1", 0],
  ["0.0.0.0", 1],
  ["::", 1],
  ["10.1.2.3", 1],
  ["localhost.example", 1],
])("without a certificate, on %s, the gateway warns %i times", (host, times) => {
  const told: string[] = [];
  const destination = { write: (line: string) => void told.push(line) };
  warnOfPlainHttp(host, createLogger({ name: "test", env: {}, destination }));
  expect(told).toHaveLength(times);
  for (const line of told) expect(line).toContain("WELLAPI_HTTP_CERT");
});
