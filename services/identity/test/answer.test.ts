import { randomBytes, randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { VaultError } from "@wellapi/vault";
import { expect, test } from "vitest";
import { type Asking, createAnswerSealer } from "../src/credentials/answer.ts";
import { createRequest } from "./certificates.ts";
import { createApplication, createInstallation, createPatient, operator } from "./installation.ts";
import { problem } from "./problem.ts";

const day = 86_400_000;
const reused = problem(Code.AlreadyExists, "REQUEST_ID_REUSED");

test("a lost answer loses no key: the same request gives it again for a day, also after a restart", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const create = (requestId: string) =>
    installation.as(operator).credentials.createApiKey({ requestId, application: application.id });
  const requestId = randomUUID();
  const first = await create(requestId);
  installation.clock.time += day - 1;
  await installation.reopen();
  expect(await create(requestId)).toEqual(first);
  expect(await create(requestId.toUpperCase())).toEqual(first);
  const { credentials } = installation.as(operator);
  expect((await credentials.listCredentials({ application: application.id })).credentials).toHaveLength(1);

  // After a day it is another request.
  installation.clock.time += 1;
  const next = await create(requestId);
  expect(next.apiKey).not.toBe(first.apiKey);
  expect(await create(requestId)).toEqual(next);
});

test("a request that comes twice at once makes one key", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { credentials } = installation.as(operator);
  const request = { requestId: randomUUID(), application: application.id };
  const answers = await Promise.all([1, 2, 3].map(() => credentials.createApiKey(request)));
  expect(new Set(answers.map(({ apiKey }) => apiKey)).size).toBe(1);
  expect((await credentials.listCredentials({ application: application.id })).credentials).toHaveLength(1);
});

test("certificates and tokens are given again, too, and other content is refused", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { patient } = await createPatient(installation);
  const other = await createPatient(installation, "other");
  const { credentials, tokens } = installation.as(operator);
  const requestId = randomUUID();
  const certificate = {
    requestId,
    application: application.id,
    certificateRequest: await createRequest(),
  };
  const token = { requestId, patient: patient.id };
  const issued = await credentials.issueCertificate(certificate);
  const signed = await tokens.issuePatientToken(token);
  installation.clock.time += 60_000;
  expect(await credentials.issueCertificate(certificate)).toEqual(issued);
  expect(await tokens.issuePatientToken(token)).toEqual(signed);

  const changed = { ...certificate, certificateRequest: await createRequest() };
  await expect(credentials.issueCertificate(changed)).rejects.toSatisfy(reused);
  const longer = { ...certificate, lifetime: { seconds: 60n } };
  await expect(credentials.issueCertificate(longer)).rejects.toSatisfy(reused);
  const theirs = { ...token, patient: other.patient.id };
  await expect(tokens.issuePatientToken(theirs)).rejects.toSatisfy(reused);
});

test("another operator's request_id is another request, and one that is no UUID is refused", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const request = { requestId: randomUUID(), application: application.id };
  const other = { ...operator, principal: { ...operator.principal, id: "opr_2" } };
  const mine = await installation.as(operator).credentials.createApiKey(request);
  const theirs = await installation.as(other).credentials.createApiKey(request);
  expect(theirs.apiKey).not.toBe(mine.apiKey);
  for (const requestId of ["", "first", "1".repeat(36)]) {
    const guessable = { requestId, application: application.id };
    await expect(installation.as(operator).credentials.createApiKey(guessable)).rejects.toMatchObject({
      code: Code.InvalidArgument,
    });
  }
});

test("a key that was revoked is not given again, nor replaced unasked", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { credentials } = installation.as(operator);
  const request = { requestId: randomUUID(), application: application.id };
  const { credential } = await credentials.createApiKey(request);
  await credentials.revokeCredential({ credential: credential!.id });
  await expect(credentials.createApiKey(request)).rejects.toSatisfy(
    problem(Code.FailedPrecondition, "CREDENTIAL_REVOKED"),
  );
  expect((await credentials.listCredentials({ application: application.id })).credentials).toHaveLength(1);
});

test("what is kept is on no disk in clear, and neither are the ids that open it", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { patient } = await createPatient(installation);
  const [forKey, forToken] = [randomUUID(), randomUUID()];
  const { credentials, tokens } = installation.as(operator);
  const { apiKey } = await credentials.createApiKey({ requestId: forKey, application: application.id });
  const { token } = await tokens.issuePatientToken({ requestId: forToken, patient: patient.id });
  for (const { access } of await installation.leaves()) {
    expect([forKey, forToken]).not.toContain(access.requestId);
  }
  for (const { name, bytes } of await installation.files()) {
    for (const secret of [apiKey.slice(15), token, token.split(".")[2]!, forKey, forToken]) {
      expect(bytes.includes(secret), name).toBe(false);
    }
    const raw = [forKey, forToken].map((id) => Buffer.from(id.replaceAll("-", ""), "hex"));
    for (const id of raw) expect(bytes.includes(id), name).toBe(false);
  }
});

test("what is kept is deleted after a day", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { patient, partition } = await createPatient(installation);
  const { credentials, tokens } = installation.as(operator);
  await credentials.createApiKey({ requestId: randomUUID(), application: application.id });
  await tokens.issuePatientToken({ requestId: randomUUID(), patient: patient.id });
  const kept = async () =>
    (
      await Promise.all(
        ["identity", partition].map((of) => installation.store.scan("answers", { equals: [of], limit: 10 })),
      )
    ).map(({ documents }) => documents.length);
  expect(await kept()).toEqual([1, 1]);
  installation.clock.time += day - 1;
  await installation.reopen();
  expect(await kept()).toEqual([1, 1]);
  installation.clock.time += 1;
  await installation.reopen();
  expect(await kept()).toEqual([0, 0]);
});

test("an answer opens with the installation's secret, the request's id, its caller and its RPC together only", () => {
  const secret = randomBytes(32);
  const asking: Asking = {
    creator: "operator opr_1",
    method: "wellapi.identity.v1.CredentialService/CreateApiKey",
    requestId: randomUUID(),
    content: Buffer.from("asked"),
  };
  const sealed = createAnswerSealer(secret).seal(asking, Buffer.from("the key"));
  const open = (key: Uint8Array, by: Asking) => createAnswerSealer(key).open(by, sealed);
  expect(Buffer.from(open(secret, asking)!).toString()).toBe("the key");
  expect(open(secret, { ...asking, content: Buffer.from("other") })).toBeUndefined();
  for (const [key, by] of [
    [randomBytes(32), asking],
    [secret, { ...asking, requestId: randomUUID() }],
    [secret, { ...asking, creator: "operator opr_2" }],
    [secret, { ...asking, method: "wellapi.identity.v1.TokenService/IssuePatientToken" }],
  ] as const) {
    expect(() => open(key, by)).toThrow(VaultError);
  }
});
