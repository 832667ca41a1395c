import { randomUUID, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type TLSSocket } from "node:tls";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { createInstallationKeyRepository } from "../src/installation-key-repository.ts";
import { createRequest, derOf } from "./certificates.ts";
import { createApplication, createInstallation, type Installation, operator } from "./installation.ts";
import { problem } from "./problem.ts";

test("the authority is made once and is one for ten years", async () => {
  const installation = await createInstallation();
  const { authority } = installation.service;
  await installation.reopen();
  expect(installation.service.authority).toBe(authority);
  const certificate = new X509Certificate(authority);
  expect(certificate.ca).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  const years = (certificate.validToDate.getTime() - installation.clock.time) / (365 * 86_400_000);
  expect(years).toBe(10);
});

test("the installation's private keys are on no disk in clear", async () => {
  const installation = await createInstallation();
  const repository = createInstallationKeyRepository(installation.store, installation.kms);
  const keys = [...(await repository.keys("authority")), ...(await repository.keys("tokens"))];
  const files = await installation.files();
  expect(keys).toHaveLength(2);
  for (const { privateJwk } of keys) {
    const stored = (text: string | Buffer) => files.some(({ bytes }) => bytes.includes(text));
    expect(stored(privateJwk.x)).toBe(true);
    expect(stored(privateJwk.d)).toBe(false);
    expect(stored(Buffer.from(privateJwk.d, "base64url"))).toBe(false);
  }
});

test("a door's certificate serves TLS for its hosts to those who trust the authority", async () => {
  const installation = await createInstallation();
  // Node's TLS checks validity by the machine's own clock.
  installation.clock.time = Date.now();
  await installation.reopen();
  const fresh = await createInstallation();
  const { key, cert } = await installation.service.issueServerCertificate(["exchange.example", "192.0.2.7"]);
  const certificate = new X509Certificate(cert);
  for (const host of ["localhost", "exchange.example"]) expect(certificate.checkHost(host)).toBe(host);
  for (const ip of ["127.0.0.1", "::1", "192.0.2.7"]) expect(certificate.checkIP(ip)).toBe(ip);
  expect(certificate.checkHost("other.example")).toBeUndefined();
  expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]); // id-kp-serverAuth
  expect(certificate.validToDate.getTime() - installation.clock.time).toBeLessThanOrEqual(7 * 86_400_000);
  expect(certificate.verify(new X509Certificate(fresh.service.authority).publicKey)).toBe(false);

  const server = createServer({ key, cert, minVersion: "TLSv1.3" }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const socket: TLSSocket = connect({
    port,
    host: "127.0.0.1",
    servername: "localhost",
    ca: installation.service.authority,
  });
  await once(socket, "secureConnect");
  expect(socket.authorized).toBe(true);
  socket.destroy();
  server.close();
});

describe("a root that takes the place of another", () => {
  const issue = async (installation: Installation, application: string) =>
    installation.as(operator).credentials.issueCertificate({
      requestId: randomUUID(),
      application,
      certificateRequest: await createRequest(),
    });

  test("signs clients at once; the door changes when the old one is dropped, and old clients are refused", async () => {
    const installation = await createInstallation();
    const { application } = await createApplication(installation);
    const show = (pem: string) =>
      installation.exchange("door")({ credential: { case: "clientCertificate", value: derOf(pem) } });
    const [first] = rootsOf(installation.service.authority);
    const old = await issue(installation, application.id);

    await installation.reopen(undefined, [1, 2]);
    const both = rootsOf(installation.service.authority);
    expect(both).toHaveLength(2);
    expect(both).toContain(first);
    const second = both.find((root) => root !== first)!;
    const young = await issue(installation, application.id);
    expect(isOf(young.certificate, second)).toBe(true);
    expect(rootsOf(young.authority)).toEqual(both);
    expect(isOf((await installation.service.issueServerCertificate([])).cert, first!)).toBe(true);
    await show(old.certificate);
    await show(young.certificate);
    await installation.reopen(); // a setting that is forgotten changes nothing
    expect(rootsOf(installation.service.authority)).toEqual(both);

    await installation.reopen(undefined, [2]);
    expect(rootsOf(installation.service.authority)).toEqual([second]);
    expect(isOf((await installation.service.issueServerCertificate([])).cert, second)).toBe(true);
    await show(young.certificate);
    await expect(show(old.certificate)).rejects.toSatisfy(
      problem(Code.Unauthenticated, "CREDENTIAL_INVALID", "not signed by this installation"),
    );
  });
});

function rootsOf(bundle: string): string[] {
  return bundle.match(/-----BEGIN[\s\S]+?END CERTIFICATE-----/g)!.map((pem) => pem.trim());
}

function isOf(certificate: string, root: string): boolean {
  return new X509Certificate(certificate).verify(new X509Certificate(root).publicKey);
}
