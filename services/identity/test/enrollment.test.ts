import { createHash, randomUUID, X509Certificate } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { anonymous, type Caller } from "@wellapi/rpc";
import { describe, expect, test } from "vitest";
import { createRequest, derOf, generateKeys } from "./certificates.ts";
import { createApplication, createInstallation, type Installation, operator } from "./installation.ts";
import { problem } from "./problem.ts";

const hour = 3_600_000;
const refused = (words = "") => problem(Code.Unauthenticated, "CREDENTIAL_INVALID", words);

async function createCode(installation: Installation, lifetime?: { readonly seconds: bigint }) {
  const { application, organization } = await createApplication(installation);
  const { code } = await installation.as(operator).credentials.createEnrollmentCode({
    requestId: randomUUID(),
    application: application.id,
    ...(lifetime && { lifetime }),
  });
  return { application, organization, code };
}

/** What a machine without any credential sends. */
async function enrol(installation: Installation, code: string, more: object = {}) {
  return installation.as(anonymous).credentials.enrollCertificate({
    code,
    certificateRequest: await createRequest(),
    requestId: randomUUID(),
    ...more,
  });
}

function show(installation: Installation, certificate: string) {
  return installation.exchange("door")({
    credential: { case: "clientCertificate", value: derOf(certificate) },
  });
}

describe("an enrolment code", () => {
  test("gives a machine a certificate of the application, by which it gets in", async () => {
    const installation = await createInstallation();
    const { code, application, organization } = await createCode(installation);
    const { certificate, credential, authority } = await enrol(installation, code);
    expect(new X509Certificate(certificate).subjectAltName).toBe(
      `URI:spiffe://wellapi.local/org/${organization.id}/app/${application.id}/cred/${credential!.id}`,
    );
    expect(authority).toBe(installation.service.authority);
    await show(installation, certificate);
    const entries = (await installation.leaves()).filter(({ access }) =>
      access.method.endsWith("/EnrollCertificate"),
    );
    expect(entries.map(({ access }) => [access.organization, access.credential.slice(0, 4)])).toEqual([
      [organization.id, "enr_"],
    ]);
  });

  test("works once, also for ten machines at the same moment", async () => {
    const installation = await createInstallation();
    const { code } = await createCode(installation);
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => enrol(installation, code)));
    const issued = outcomes.filter(({ status }) => status === "fulfilled");
    expect(issued).toHaveLength(1);
    const { application } = await createApplication(installation);
    const { credentials } = await installation
      .as(operator)
      .credentials.listCredentials({ application: application.id });
    expect(credentials).toHaveLength(1);
    await expect(enrol(installation, code)).rejects.toSatisfy(refused(credentials[0]!.id));
  });

  test("gives the same certificate again to the same request, whose answer was lost", async () => {
    const installation = await createInstallation();
    const { code } = await createCode(installation);
    const same = { requestId: randomUUID(), certificateRequest: await createRequest() };
    const first = await enrol(installation, code, same);
    expect((await enrol(installation, code, same)).certificate).toBe(first.certificate);
    await installation.as(operator).credentials.revokeCredential({ credential: first.credential!.id });
    await expect(enrol(installation, code, same)).rejects.toSatisfy(
      problem(Code.FailedPrecondition, "CREDENTIAL_REVOKED"),
    );
  });

  test("is not used up by a malformed request", async () => {
    const installation = await createInstallation();
    const { code } = await createCode(installation);
    const rsa = {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    };
    for (const certificateRequest of ["not PEM", await createRequest(rsa), installation.service.authority]) {
      await expect(enrol(installation, code, { certificateRequest })).rejects.toMatchObject({
        code: Code.InvalidArgument,
      });
    }
    await enrol(installation, code);
  });

  test("ends by itself, and with its application", async () => {
    const installation = await createInstallation();
    const { code, application } = await createCode(installation);
    const long = await createCode(installation, { seconds: 604_800n });
    installation.clock.time += hour;
    await expect(enrol(installation, code)).rejects.toSatisfy(refused("expired"));
    await installation.as(operator).organizations.deleteApplication({ application: application.id });
    await expect(enrol(installation, long.code)).rejects.toMatchObject({ code: Code.FailedPrecondition });
    await expect(createCode(installation, { seconds: 604_801n })).rejects.toMatchObject({
      code: Code.InvalidArgument,
    });
  });

  test("is refused where it is unknown, without an entry: anybody may try", async () => {
    const installation = await createInstallation();
    const before = (await installation.leaves()).length;
    await expect(enrol(installation, "wellapi_ec_guessed")).rejects.toSatisfy(refused("unknown"));
    expect(await installation.leaves()).toHaveLength(before);
  });

  test("is kept as a digest only", async () => {
    const installation = await createInstallation();
    const { code } = await createCode(installation);
    await installation.reopen();
    const files = await installation.files();
    expect(files.filter(({ bytes }) => bytes.includes(code))).toEqual([]);
    const digest = createHash("sha256").update(code).digest("hex");
    expect(files.some(({ bytes }) => bytes.includes(digest))).toBe(true);
  });
});

describe("a renewal", () => {
  async function enrolled() {
    const installation = await createInstallation();
    const { code, application, organization } = await createCode(installation);
    const { certificate, credential } = await enrol(installation, code);
    /** The application, as the gRPC door knows it by a credential. */
    const by = (id: string): Caller => ({
      principal: { kind: "application", id: application.id, organization: organization.id, credential: id },
      workload: "door",
      token: "",
    });
    const renew = async (id: string, more: object = {}) =>
      installation.as(by(id)).credentials.renewCertificate({
        requestId: randomUUID(),
        certificateRequest: await createRequest(),
        ...more,
      });
    return { installation, application, certificate, id: credential!.id, renew };
  }

  test("gives the next certificate, for the same key or a new one; the old one stays until its end", async () => {
    const { installation, certificate, id, renew } = await enrolled();
    const keys = await generateKeys();
    const sameKey = { certificateRequest: await createRequest(undefined, keys) };
    installation.clock.time += 20 * 24 * hour;
    const next = await renew(id, sameKey);
    await show(installation, certificate);
    await show(installation, next.certificate);
    const after = await renew(next.credential!.id, sameKey);
    const keyOf = (pem: string) => new X509Certificate(pem).publicKey.export({ type: "spki", format: "pem" });
    expect(keyOf(after.certificate)).toBe(keyOf(next.certificate));
    const { credential } = await installation.as(operator).credentials.getCredential({ credential: id });
    expect(credential!.successor).toBe(next.credential!.id);
    installation.clock.time += 10 * 24 * hour;
    await expect(show(installation, certificate)).rejects.toSatisfy(refused("expired"));
    await show(installation, next.certificate);
  });

  test("is made once: a copied certificate cannot be renewed unnoticed", async () => {
    const { id, renew } = await enrolled();
    const same = { requestId: randomUUID(), certificateRequest: await createRequest() };
    const next = await renew(id, same);
    expect((await renew(id, same)).certificate).toBe(next.certificate);
    await expect(renew(id)).rejects.toSatisfy(
      problem(Code.FailedPrecondition, "ALREADY_REPLACED", next.credential!.id),
    );
  });

  test("needs the certificate itself: an API key renews nothing, and neither does a malformed request", async () => {
    const { installation, application, id, renew } = await enrolled();
    const { credential } = await installation.as(operator).credentials.createApiKey({
      requestId: randomUUID(),
      application: application.id,
    });
    await expect(renew(credential!.id)).rejects.toSatisfy(
      problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED", "by itself"),
    );
    await expect(renew(id, { certificateRequest: "nonsense" })).rejects.toMatchObject({
      code: Code.InvalidArgument,
    });
    await renew(id);
  });

  test("is refused to an anonymous caller and an operator", async () => {
    const { installation } = await enrolled();
    for (const caller of [anonymous, operator]) {
      await expect(
        installation.as(caller).credentials.renewCertificate({
          requestId: randomUUID(),
          certificateRequest: await createRequest(),
        }),
      ).rejects.toMatchObject({ code: Code.PermissionDenied });
    }
  });
});
