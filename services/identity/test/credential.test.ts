import { randomUUID, X509Certificate } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { Credential_Kind } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { expect, test } from "vitest";
import { newApiKey, useOfApiKey } from "../src/credentials/api-key.ts";
import { createRequest } from "./certificates.ts";
import { createApplication, createInstallation, operator } from "./installation.ts";
import { problem } from "./problem.ts";

const day = 86_400;
const invalid = (words: string) => problem(Code.InvalidArgument, "INVALID_FIELD", words);

test("a certificate names the application by SPIFFE id, and nothing that the request asked for", async () => {
  const installation = await createInstallation();
  const { organization, application } = await createApplication(installation);
  const issued = await installation.as(operator).credentials.issueCertificate({
    requestId: randomUUID(),
    application: application.id,
    certificateRequest: await createRequest(),
  });
  // A client that puts the files into one text, as Python's do, gets whole lines.
  for (const pem of [issued.certificate, issued.authority]) expect(pem).toMatch(/^-----BEGIN[\s\S]+-----\n$/);
  const certificate = new X509Certificate(issued.certificate);
  const { id } = issued.credential!;
  expect(certificate.subjectAltName).toBe(
    `URI:spiffe://wellapi.local/org/${organization.id}/app/${application.id}/cred/${id}`,
  );
  expect(certificate.subject).toBe("CN=WellAPI client");
  expect(certificate.ca).toBe(false);
  expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]); // id-kp-clientAuth
  expect(certificate.checkIssued(new X509Certificate(issued.authority))).toBe(true);
  expect(certificate.verify(new X509Certificate(issued.authority).publicKey)).toBe(true);
  expect(issued.authority).toBe(installation.service.authority);
  expect(issued.credential).toMatchObject({
    application: application.id,
    kind: Credential_Kind.CERTIFICATE,
    hint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
  });
  expect(certificate.validToDate.getTime() - installation.clock.time).toBe(30 * day * 1000);
  expect(Number(issued.credential!.expireTime!.seconds) * 1000).toBe(certificate.validToDate.getTime());
});

test.each([
  ["ECDSA P-384", { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" }],
  ["Ed25519", { name: "Ed25519" }],
])("a key of type %s is certified", async (_, algorithm) => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const certificateRequest = await createRequest(algorithm);
  const issued = await installation.as(operator).credentials.issueCertificate({
    requestId: randomUUID(),
    application: application.id,
    certificateRequest,
  });
  const authority = new X509Certificate(issued.authority);
  expect(new X509Certificate(issued.certificate).verify(authority.publicKey)).toBe(true);
});

test("bad signing requests are refused with what is wrong", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { credentials } = installation.as(operator);
  const issue = (certificateRequest: string) =>
    credentials.issueCertificate({
      requestId: randomUUID(),
      application: application.id,
      certificateRequest,
    });

  const good = await createRequest();
  const der = Buffer.from(good.replace(/-----[^-]+-----|\s/g, ""), "base64");
  der[der.length - 1]! ^= 1;
  const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----`;
  await expect(issue(forged)).rejects.toSatisfy(invalid("signature"));

  const rsa = (modulusLength: number) =>
    createRequest({
      name: "RSASSA-PKCS1-v1_5",
      modulusLength,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    });
  await expect(issue(await rsa(1024))).rejects.toSatisfy(invalid("this type"));
  await expect(issue(await rsa(2048))).rejects.toSatisfy(invalid("this type"));
  const p521 = await createRequest({ name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" });
  await expect(issue(p521)).rejects.toSatisfy(invalid("this type"));
  await expect(issue("not PEM")).rejects.toSatisfy(invalid("cannot be read"));
  await expect(issue(`${good}\n${good}`)).rejects.toSatisfy(invalid("cannot be read"));
  await expect(issue(installation.service.authority)).rejects.toSatisfy(invalid("cannot be read"));
});

test("lifetimes are bounded", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { credentials } = installation.as(operator);
  const certificateRequest = await createRequest();
  const certificate = (seconds: number) =>
    credentials.issueCertificate({
      requestId: randomUUID(),
      application: application.id,
      certificateRequest,
      lifetime: { seconds: BigInt(seconds) },
    });
  const apiKey = (seconds: number) =>
    credentials.createApiKey({
      requestId: randomUUID(),
      application: application.id,
      lifetime: { seconds: BigInt(seconds) },
    });
  for (const refused of [certificate(90 * day + 1), certificate(0), apiKey(366 * day + 1), apiKey(-1)]) {
    await expect(refused).rejects.toMatchObject({ code: Code.InvalidArgument });
  }
  const longest = await certificate(90 * day);
  expect(Number(longest.credential!.expireTime!.seconds)).toBe(installation.clock.time / 1000 + 90 * day);
});

test("an API key is shown once and stored nowhere", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { credential, apiKey } = await installation
    .as(operator)
    .credentials.createApiKey({ requestId: randomUUID(), application: application.id });
  expect(apiKey).toMatch(/^wellapi_sk_test_[A-Za-z0-9_-]{49}$/);
  expect(credential!.hint).toBe(apiKey.slice(0, 20));
  await installation.leaves();

  const secrets = [apiKey, installation.service.firstOperatorKey!].map((key) => key.slice(20));
  for (const { name, bytes } of await installation.files()) {
    for (const secret of secrets) {
      expect(bytes.includes(secret), name).toBe(false);
      expect(bytes.includes(Buffer.from(secret.slice(1, 41), "base64url")), name).toBe(false);
    }
  }
});

test.each(["live", "test"] as const)(
  "a %s key's checksum tells typing errors and look-alikes from keys",
  (use) => {
    const key = newApiKey(use);
    expect(useOfApiKey(key)).toBe(use);
    const others = [
      key.slice(0, -1),
      `${key}A`,
      key.replace("wellapi", "welltpi"),
      key.replace("sk_", "sk_test_"),
      key.replace("test_", ""),
      swapped(key),
    ];
    for (const other of ["", ...others.filter((one) => one !== key)])
      expect(useOfApiKey(other)).toBeUndefined();
  },
);

/** The key with one character of its secret changed. */
function swapped(key: string): string {
  return key.slice(0, 25) + (key[25] === "A" ? "B" : "A") + key.slice(26);
}

test("credentials are listed newest first, without secrets, and revoked once", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { credentials } = installation.as(operator);
  const first = await credentials.createApiKey({ requestId: randomUUID(), application: application.id });
  installation.clock.time += 1000;
  const second = await credentials.createApiKey({ requestId: randomUUID(), application: application.id });
  const told: string[] = [];
  const stop = installation.service.onAccessEnded((id) => told.push(id));

  const revoked = await credentials.revokeCredential({ credential: first.credential!.id });
  installation.clock.time += 1000;
  expect(await credentials.revokeCredential({ credential: first.credential!.id })).toEqual(revoked);
  expect(told).toEqual([first.credential!.id]);
  stop();
  await credentials.revokeCredential({ credential: second.credential!.id });
  expect(told).toHaveLength(1);

  const listed = await credentials.listCredentials({ application: application.id });
  expect(listed.credentials.map(({ id }) => id)).toEqual([second.credential!.id, first.credential!.id]);
  expect(listed.credentials[1]).toEqual(revoked.credential);
  const unknown = credentials.revokeCredential({ credential: "crd_none" });
  await expect(unknown).rejects.toSatisfy(problem(Code.NotFound, "NOT_FOUND"));
});

test("credentials come in pages, newest first", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { credentials } = installation.as(operator);
  const made: string[] = [];
  for (let i = 0; i < 5; i++) {
    installation.clock.time += 1000;
    const { credential } = await credentials.createApiKey({
      requestId: randomUUID(),
      application: application.id,
    });
    made.unshift(credential!.id);
  }
  const listed: string[] = [];
  let pageToken = "";
  do {
    const page = await credentials.listCredentials({ application: application.id, pageSize: 2, pageToken });
    expect(page.credentials.length).toBeLessThanOrEqual(2);
    listed.push(...page.credentials.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(listed).toEqual(made);
  const { nextPageToken } = await credentials.listCredentials({ application: application.id, pageSize: 2 });
  const other = { ...operator, principal: { ...operator.principal, id: "opr_2" } };
  const theirs = installation.as(other).credentials;
  await expect(
    theirs.listCredentials({ application: application.id, pageToken: nextPageToken }),
  ).rejects.toSatisfy(problem(Code.InvalidArgument, "INVALID_PAGE_TOKEN"));
});

test("a credential is shown without its secret, and one that there is not is not found", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { credentials } = installation.as(operator);
  const made = await credentials.createApiKey({ requestId: randomUUID(), application: application.id });
  const got = await credentials.getCredential({ credential: made.credential!.id });
  expect(got.credential).toEqual(made.credential);
  await expect(credentials.getCredential({ credential: "crd_none" })).rejects.toSatisfy(
    problem(Code.NotFound, "NOT_FOUND"),
  );
});
