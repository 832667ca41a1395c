import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { type Caller, createTokenVerifier, problemOf } from "@wellapi/rpc";
import { base64url, importJWK, SignJWT } from "jose";
import { expect, test } from "vitest";
import { createRequest, createSelfSigned, derOf } from "./certificates.ts";
import {
  createApplication,
  createInstallation,
  createPatient,
  type Installation,
  operator,
} from "./installation.ts";
import { problem } from "./problem.ts";

const minute = 60_000;
const day = 86_400_000;
const refused = (words = "") => problem(Code.Unauthenticated, "CREDENTIAL_INVALID", words);

/** An application with one credential of each kind. */
async function enrol(installation: Installation) {
  const { organization, application } = await createApplication(installation);
  const { credentials } = installation.as(operator);
  const certificateRequest = await createRequest();
  const issued = await credentials.issueCertificate({
    requestId: randomUUID(),
    application: application.id,
    certificateRequest,
  });
  const created = await credentials.createApiKey({ requestId: randomUUID(), application: application.id });
  return {
    organization,
    application,
    certificate: { value: derOf(issued.certificate), id: issued.credential!.id },
    apiKey: { value: created.apiKey, id: created.credential!.id },
    showCertificate: (workload = "door") => {
      const value = derOf(issued.certificate);
      return installation.exchange(workload)({ credential: { case: "clientCertificate", value } });
    },
    showApiKey: (workload = "door") =>
      installation.exchange(workload)({ credential: { case: "apiKey", value: created.apiKey } }),
  };
}

function reexchange(installation: Installation, token: string, workload = "ingestion") {
  return installation.exchange(workload)({ credential: { case: "internalToken", value: token } });
}

function showToken(installation: Installation, value: string) {
  return installation.exchange("gateway")({ credential: { case: "bearerToken", value } });
}

/** What a service that verifies the token by the published keys believes. */
function verify(installation: Installation, token: string, workload: string): Promise<Caller> {
  const verifier = createTokenVerifier({
    issuer: "https://wellapi.local",
    jwks: async () => (await installation.as(operator).tokens.getJwks({})).jwks,
    clock: installation.clock,
  });
  return verifier.verify(token, workload);
}

test("a certificate and an API key give a five-minute token of the application, bound to the workload", async () => {
  const installation = await createInstallation();
  const { organization, application, ...enrolled } = await enrol(installation);
  for (const [answer, credential] of [
    [await enrolled.showCertificate(), enrolled.certificate.id],
    [await enrolled.showApiKey(), enrolled.apiKey.id],
  ] as const) {
    expect(Number(answer.expireTime!.seconds) * 1000).toBe(installation.clock.time + 5 * minute);
    const { principal } = await verify(installation, answer.token, "door");
    expect(principal).toEqual({
      kind: "application",
      id: application.id,
      organization: organization.id,
      credential,
    });
    await expect(verify(installation, answer.token, "records")).rejects.toSatisfy(refused());
  }
});

test("the first operator's key is an operator's, shown at the first start only", async () => {
  const installation = await createInstallation();
  const key = installation.service.firstOperatorKey!;
  const { token } = await installation.exchange("gateway")({ credential: { case: "apiKey", value: key } });
  const { principal } = await verify(installation, token, "gateway");
  expect(principal).toMatchObject({ kind: "operator", id: expect.stringMatching(/^opr_/) });

  await installation.reopen();
  expect(installation.service.firstOperatorKey).toBeUndefined();
  await installation.exchange("door")({ credential: { case: "apiKey", value: key } });

  // Where no operator could get in any more, a start makes another key.
  installation.clock.time += 366 * day;
  await installation.reopen();
  expect(installation.service.firstOperatorKey).toMatch(/^wellapi_sk_/);
  expect(installation.service.firstOperatorKey).not.toBe(key);
});

test("revoked credentials are refused at once, and so are tokens that were made from them", async () => {
  const installation = await createInstallation();
  const enrolled = await enrol(installation);
  const { credentials } = installation.as(operator);
  for (const [show, { id }] of [
    [enrolled.showCertificate, enrolled.certificate],
    [enrolled.showApiKey, enrolled.apiKey],
  ] as const) {
    const { token } = await show();
    await credentials.revokeCredential({ credential: id });
    await expect(show()).rejects.toSatisfy(refused("revoked"));
    await expect(reexchange(installation, token)).rejects.toSatisfy(refused("revoked"));
  }
});

test("of a certificate that was revoked nothing more is asked, not even whether it is over", async () => {
  const installation = await createInstallation();
  const enrolled = await enrol(installation);
  await installation.as(operator).credentials.revokeCredential({ credential: enrolled.certificate.id });
  installation.clock.time += 31 * day;
  await expect(enrolled.showCertificate()).rejects.toSatisfy(refused("revoked"));
});

test("only a door that asks is told whose a refused credential is", async () => {
  const installation = await createInstallation();
  const { apiKey, certificate, application, organization } = await enrol(installation);
  const { credentials, organizations } = installation.as(operator);
  const key = { case: "apiKey", value: apiKey.value } as const;
  const shownCertificate = { case: "clientCertificate", value: certificate.value } as const;
  const told = (credential: typeof key | typeof shownCertificate, tellHolder = true) =>
    installation
      .exchange("gateway")({ credential, tellHolder })
      .then(String, (error) => problemOf(error).metadata);
  const holder = { holder_organization: organization.id, holder_application: application.id };
  const over = { holder_credential_over: "true" };
  await organizations.disableApplication({ application: application.id });
  // It may be enabled again.
  expect(await told(key)).toEqual({ ...holder, holder_credential: apiKey.id });
  await credentials.revokeCredential({ credential: apiKey.id });
  expect(await told(key, false)).toBeUndefined();
  expect(await told(key)).toEqual({ ...holder, holder_credential: apiKey.id, ...over });
  installation.clock.time += 31 * day;
  expect(await told(shownCertificate)).toEqual({ ...holder, holder_credential: certificate.id, ...over });
});

test("credentials end with their lifetime", async () => {
  const installation = await createInstallation();
  const enrolled = await enrol(installation);
  installation.clock.time += 30 * day - minute;
  const nearEnd = await enrolled.showCertificate();
  expect(Number(nearEnd.expireTime!.seconds) * 1000).toBe(installation.clock.time + minute);
  installation.clock.time += minute;
  await expect(enrolled.showCertificate()).rejects.toSatisfy(refused("expired"));
  await enrolled.showApiKey();
  installation.clock.time += 60 * day;
  await expect(enrolled.showApiKey()).rejects.toSatisfy(refused("expired"));
});

test("a certificate from before the clock was set back is not valid yet", async () => {
  const installation = await createInstallation();
  const enrolled = await enrol(installation);
  installation.clock.time -= day;
  await expect(enrolled.showCertificate()).rejects.toSatisfy(refused("not valid yet"));
});

test("foreign, self-signed and changed certificates are refused", async () => {
  const [installation, foreign] = [await createInstallation(), await createInstallation()];
  const [enrolled, stranger] = [await enrol(installation), await enrol(foreign)];
  const show = (value: Uint8Array) =>
    installation.exchange("door")({ credential: { case: "clientCertificate", value } });

  await show(enrolled.certificate.value);
  await expect(show(stranger.certificate.value)).rejects.toSatisfy(refused("not signed"));
  await expect(show(await createSelfSigned())).rejects.toSatisfy(refused("not signed"));
  const server = await installation.service.issueServerCertificate([]);
  await expect(show(derOf(server.cert))).rejects.toSatisfy(refused("unknown"));
  await expect(show(derOf(installation.service.authority))).rejects.toSatisfy(refused());
  await expect(show(Uint8Array.of(1, 2, 3))).rejects.toSatisfy(refused("cannot be read"));
  const { value } = enrolled.certificate;
  await expect(show(Buffer.concat([value, Uint8Array.of(0)]))).rejects.toSatisfy(refused());
  // The last bytes are of the signature.
  await expect(show(value.with(-1, value.at(-1)! ^ 1))).rejects.toSatisfy(refused());
});

test("a certificate is no secret, so only the edge may show one", async () => {
  const installation = await createInstallation();
  const enrolled = await enrol(installation);
  const notPermitted = problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED");
  for (const workload of ["ingestion", "records", "consent", "audit"]) {
    await expect(enrolled.showCertificate(workload)).rejects.toSatisfy(notPermitted);
  }
});

test("foreign and made-up API keys are refused alike", async () => {
  const [installation, foreign] = [await createInstallation(), await createInstallation()];
  const stranger = await enrol(foreign);
  const { apiKey } = await enrol(installation);
  for (const value of [stranger.apiKey.value, apiKey.value.slice(0, -1), `${apiKey.value} `, "x"]) {
    const shown = installation.exchange("door")({ credential: { case: "apiKey", value } });
    await expect(shown).rejects.toSatisfy(refused("the API key is unknown"));
  }
});

test("a service calls on for its caller, and the token does not outlive the credential", async () => {
  const installation = await createInstallation();
  const { patient, id, partition } = await createPatient(installation);
  const issued = await installation
    .as(operator)
    .tokens.issuePatientToken({ requestId: randomUUID(), patient: patient.id, lifetime: { seconds: 360n } });
  const { token } = await showToken(installation, issued.token);
  const { principal } = await verify(installation, token, "gateway");
  expect(principal).toEqual({
    kind: "patient",
    id,
    partition,
    credential: expect.any(String),
    actor: { kind: "operator", id: operator.principal.id },
  });

  installation.clock.time += 4 * minute;
  const onward = await reexchange(installation, token);
  expect((await verify(installation, onward.token, "ingestion")).principal).toEqual(principal);
  expect(Number(onward.expireTime!.seconds) * 1000).toBe(installation.clock.time + 2 * minute);
  installation.clock.time += 2 * minute;
  await expect(reexchange(installation, onward.token)).rejects.toSatisfy(refused("expired"));
});

test("a service acts on its own behalf, the door never does", async () => {
  const installation = await createInstallation();
  const { token } = await installation.exchange("records")({ credential: { case: "workload", value: true } });
  expect((await verify(installation, token, "records")).principal).toEqual({
    kind: "service",
    id: "records",
  });
  const door = installation.exchange("door")({ credential: { case: "workload", value: true } });
  await expect(door).rejects.toSatisfy(problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"));
  const denied = installation.exchange("records")({ credential: { case: "workload", value: false } });
  await expect(denied).rejects.toMatchObject({ code: Code.InvalidArgument });
});

test("tokens that are not ours, not for this use or not intact are refused", async () => {
  const [installation, foreign] = [await createInstallation(), await createInstallation()];
  const issue = async (at: Installation) => {
    const { patient } = await createPatient(at);
    return (await at.as(operator).tokens.issuePatientToken({ requestId: randomUUID(), patient: patient.id }))
      .token;
  };
  const token = await issue(installation);
  const [head, body, signature] = token.split(".") as [string, string, string];
  const { token: internal } = await showToken(installation, token);
  const claims = JSON.parse(Buffer.from(body, "base64url").toString());
  const none = base64url.encode(JSON.stringify({ alg: "none", typ: "JWT" }));
  const changed = base64url.encode(JSON.stringify({ ...claims, exp: claims.exp + 1000 }));
  const { jwks } = await installation.as(operator).tokens.getJwks({});
  const [published] = JSON.parse(jwks).keys;
  // The classic confusion: the public key taken for a shared secret.
  const confused = await new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256", kid: published.kid })
    .sign(new TextEncoder().encode(JSON.stringify(published)));

  const bad = [
    await issue(foreign),
    internal, // for services, not for the door
    `${none}.${body}.`,
    `${none}.${body}.${signature}`,
    `${head}.${changed}.${signature}`,
    `${head}.${body}.${signature.slice(0, -4)}AAAA`,
    confused,
    "not a token",
  ];
  for (const value of bad) await expect(showToken(installation, value)).rejects.toSatisfy(refused());
  // A patient's token is none of the tokens that services show each other.
  await expect(reexchange(installation, token)).rejects.toSatisfy(refused());
  await expect(reexchange(installation, `${none}.${internal.split(".")[1]}.`)).rejects.toSatisfy(refused());
  installation.clock.time += 60 * minute;
  await expect(showToken(installation, token)).rejects.toSatisfy(refused("expired"));
});

test("keys of tokens are rotated after 30 days, and the one before still verifies", async () => {
  const installation = await createInstallation();
  const keys = async () => JSON.parse((await installation.as(operator).tokens.getJwks({})).jwks).keys;
  const before = await keys();
  expect(before).toHaveLength(1);
  expect(Object.keys(before[0]).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
  await importJWK(before[0], "ES256");

  installation.clock.time += 30 * day;
  await installation.reopen();
  expect(await keys()).toEqual(before);

  const { patient } = await createPatient(installation);
  const { token } = await installation
    .as(operator)
    .tokens.issuePatientToken({ requestId: randomUUID(), patient: patient.id });
  installation.clock.time += 1;
  await installation.reopen();
  const after = await keys();
  expect(after).toHaveLength(2);
  expect(after[1]).toEqual(before[0]);
  await showToken(installation, token);

  // The third waits a minute before it signs; until then the first still verifies.
  installation.clock.time += 30 * day + 1;
  await installation.reopen();
  expect(await keys()).toHaveLength(3);
  installation.clock.time += 60_000;
  await installation.reopen();
  expect(await keys()).toHaveLength(2);
  expect((await keys())[1]).toEqual(after[0]);
});

test("outside the sandbox no patient's token is issued", async () => {
  const installation = await createInstallation({ WELLAPI_PROFILE: "production" });
  const { patient } = await createPatient(installation);
  const issuing = installation
    .as(operator)
    .tokens.issuePatientToken({ requestId: randomUUID(), patient: patient.id });
  await expect(issuing).rejects.toSatisfy(problem(Code.FailedPrecondition, "SANDBOX_ONLY"));
});

test("anybody may get the public keys", async () => {
  const installation = await createInstallation();
  const anybody = installation.as({ principal: { kind: "anonymous", id: "" }, workload: "door", token: "" });
  expect(JSON.parse((await anybody.tokens.getJwks({})).jwks).keys).toHaveLength(1);
});
