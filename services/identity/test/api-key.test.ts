import { randomUUID } from "node:crypto";
import { copyFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { anonymous } from "@wellapi/rpc";
import { describe, expect, test } from "vitest";
import { newApiKey } from "../src/credentials/api-key.ts";
import { isWithin, readNetworks } from "../src/credentials/networks.ts";
import { createRequest } from "./certificates.ts";
import { createApplication, createInstallation, type Installation, operator } from "./installation.ts";
import { join as joinOrganization } from "./members.ts";
import { problem } from "./problem.ts";

const minute = 60_000;
const day = 86_400_000;
const refused = (words = "") => problem(Code.Unauthenticated, "CREDENTIAL_INVALID", words);

async function createKey(installation: Installation, terms: object = {}) {
  const { application } = await createApplication(installation);
  const { credentials } = installation.as(operator);
  const made = await credentials.createApiKey({
    requestId: randomUUID(),
    application: application.id,
    displayName: "Night sync",
    ...terms,
  });
  return { application, id: made.credential!.id, text: made.apiKey, credential: made.credential! };
}

function show(installation: Installation, apiKey: string, callerAddress = "") {
  return installation.exchange("gateway")({
    credential: { case: "apiKey", value: apiKey },
    callerAddress,
  });
}

describe("an API key's terms", () => {
  test("are shown with it, and none of its text", async () => {
    const installation = await createInstallation();
    const scopes = ["system/Observation.cs"];
    const { id, text, application } = await createKey(installation, { scopes, networks: ["192.0.2.7"] });
    const { credentials } = installation.as(operator);
    const told = await credentials.getCredential({ credential: id });
    expect(told.credential).toMatchObject({
      displayName: "Night sync",
      scopes,
      networks: ["192.0.2.7/32"],
      successor: "",
    });
    const listed = await credentials.listCredentials({ application: application.id });
    expect(listed.credentials[0]).toEqual(told.credential);
    expect(JSON.stringify(told.credential, (_, v) => (typeof v === "bigint" ? `${v}` : v))).not.toContain(
      text,
    );
  });

  test("limit it to networks: another address, or none that is known, is refused", async () => {
    const installation = await createInstallation();
    const { text } = await createKey(installation, { networks: ["192.0.2.0/24", "2001:db8::/32"] });
    for (const address of ["192.0.2.200", "::ffff:192.0.2.9", "2001:db8:1::5"]) {
      await show(installation, text, address);
    }
    for (const address of ["192.0.3.1", "2001:db9::1", "", "unknown", "::ffff:192.0.3.1"]) {
      await expect(show(installation, text, address)).rejects.toSatisfy(refused("networks"));
    }
  });

  test.each([
    ["10.0.0.5/8", "write 10.0.0.0/8"],
    ["2001:db8::1/32", "write 2001:db8::/32"],
    ["10.0.0.0/33", "0 to 32"],
    ["10.0.0.0/-1", "0 to 32"],
    ["10.0.0.0/08", "0 to 32"],
    ["10/8", "no network"],
    ["0x0a.0.0.0/8", "no network"],
    ["fe80::1%eth0/64", "no network"],
    ["::ffff:10.0.0.0/104", "no network"],
    ["example.com", "no network"],
    ["10.0.0.0/8/8", "no network"],
  ])("%s is refused with what to write", (network, words) => {
    expect(() => readNetworks(["192.0.2.0/24", network], "networks")).toThrow(words);
  });

  test("are refused where a scope has a space, or a network is none, by the name of the field", async () => {
    const installation = await createInstallation();
    await expect(createKey(installation, { networks: ["192.0.2.0/24", "10/8"] })).rejects.toSatisfy(
      problem(Code.InvalidArgument, "INVALID_FIELD", "networks[1]"),
    );
    await expect(createKey(installation, { scopes: ["a b"] })).rejects.toSatisfy(
      problem(Code.InvalidArgument, "INVALID_FIELD", "scopes[0]"),
    );
  });

  test("limit an operator's key, too", async () => {
    const installation = await createInstallation();
    const { apiKey } = await installation.as(operator).credentials.createOperatorKey({
      requestId: randomUUID(),
      displayName: "Backup script",
      networks: ["10.0.0.0/8"],
    });
    await show(installation, apiKey, "10.1.2.3");
    await expect(show(installation, apiKey, "11.1.2.3")).rejects.toSatisfy(refused("networks"));
  });
});

test("a test key that leaks is good for nothing at an exchange with real people, whatever is stored there", async () => {
  const env: Record<string, string> = {};
  const sandbox = await createInstallation(env);
  const { text } = await createKey(sandbox);
  expect(text).toMatch(/^wellapi_sk_test_/);
  await show(sandbox, text);
  const live = await createInstallation({ WELLAPI_PROFILE: "production" });
  expect(live.service.firstOperatorKey).not.toMatch(/^wellapi_sk_test_/);
  const refusedAsTest = problem(Code.Unauthenticated, "TEST_KEY_REFUSED");
  await expect(show(live, text)).rejects.toSatisfy(refusedAsTest);
  // Nor at the same data, once it is an exchange with real people.
  env.WELLAPI_PROFILE = "production";
  await sandbox.reopen();
  await expect(show(sandbox, text)).rejects.toSatisfy(refusedAsTest);
});

test("networks are kept in one spelling", () => {
  expect(readNetworks(["2001:DB8:0:0::/32", "0.0.0.0/0", "192.0.2.1/32"], "networks")).toEqual([
    "2001:db8::/32",
    "0.0.0.0/0",
    "192.0.2.1/32",
  ]);
  expect(isWithin(["0.0.0.0/0"], "2001:db8::1")).toBe(false);
});

test("the last use is noted, in the background and at most once a minute", { timeout: 60_000 }, async () => {
  const installation = await createInstallation();
  const { id, text } = await createKey(installation);
  const used = async () => {
    // A stop writes what waits; nothing else has to be waited for.
    await installation.reopen();
    const { credential } = await installation.as(operator).credentials.getCredential({ credential: id });
    return credential!.useTime && timestampMs(credential!.useTime);
  };
  expect(await used()).toBeUndefined();
  const first = installation.clock.time;
  await show(installation, text);
  expect(await used()).toBe(first);
  installation.clock.time += minute - 1;
  await show(installation, text);
  expect(await used()).toBe(first);
  installation.clock.time += 1;
  await show(installation, text);
  expect(await used()).toBe(first + minute);
});

describe("a rotation", () => {
  test("gives a key of the same terms, and the old one lives on for the overlap", async () => {
    const installation = await createInstallation();
    const terms = { scopes: ["system/Observation.s"], networks: ["192.0.2.0/24"] };
    const { id, text, application } = await createKey(installation, terms);
    const { credentials } = installation.as(operator);
    const rotated = await credentials.rotateApiKey({
      requestId: randomUUID(),
      credential: id,
      overlap: { seconds: 3_600n },
    });
    expect(rotated.credential).toMatchObject({
      ...terms,
      application: application.id,
      displayName: "Night sync",
    });
    expect(rotated.replaced).toMatchObject({ id, successor: rotated.credential!.id });
    const end = installation.clock.time + 60 * minute;
    expect(timestampMs(rotated.replaced!.expireTime!)).toBe(end);
    const old = await show(installation, text, "192.0.2.1");
    await show(installation, rotated.apiKey, "192.0.2.1");
    await expect(show(installation, rotated.apiKey, "198.51.100.1")).rejects.toSatisfy(refused("networks"));
    installation.clock.time = end - 1;
    await show(installation, text, "192.0.2.1");
    installation.clock.time = end;
    await expect(show(installation, text, "192.0.2.1")).rejects.toSatisfy(refused("expired"));
    await expect(
      installation.exchange("ingestion")({ credential: { case: "internalToken", value: old.token } }),
    ).rejects.toMatchObject({ code: Code.Unauthenticated });
    await show(installation, rotated.apiKey, "192.0.2.1");
  });

  test("is one of an operator's key: the same operator, also where it is the only one", async () => {
    const installation = await createInstallation();
    const [only] = (await installation.as(operator).credentials.listOperatorKeys({})).credentials;
    const { credentials } = installation.as(operator);
    const rotated = await credentials.rotateApiKey({
      requestId: randomUUID(),
      credential: only!.id,
      overlap: {},
    });
    expect(rotated.credential).toMatchObject({ operator: only!.operator, application: "" });
    await expect(show(installation, installation.service.firstOperatorKey ?? "")).rejects.toSatisfy(
      refused(),
    );
    await show(installation, rotated.apiKey);
  });

  test("never lengthens the old key's life", async () => {
    const installation = await createInstallation();
    const { id, credential } = await createKey(installation, { lifetime: { seconds: 60n } });
    const rotated = await installation.as(operator).credentials.rotateApiKey({
      requestId: randomUUID(),
      credential: id,
      overlap: { seconds: 604_800n },
    });
    expect(rotated.replaced!.expireTime).toEqual(credential.expireTime);
  });

  test("is made once: the same request gets the same key, another one is told of the successor", async () => {
    const installation = await createInstallation();
    const { id } = await createKey(installation);
    const { credentials } = installation.as(operator);
    const requestId = randomUUID();
    const rotated = await credentials.rotateApiKey({ requestId, credential: id });
    expect((await credentials.rotateApiKey({ requestId, credential: id })).apiKey).toBe(rotated.apiKey);
    await expect(credentials.rotateApiKey({ requestId: randomUUID(), credential: id })).rejects.toSatisfy(
      problem(Code.FailedPrecondition, "ALREADY_REPLACED", rotated.credential!.id),
    );
    const both = await Promise.allSettled(
      [1, 2].map(() =>
        credentials.rotateApiKey({ requestId: randomUUID(), credential: rotated.credential!.id }),
      ),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  test("is refused for a revoked key, for a certificate, and for more than a week", async () => {
    const installation = await createInstallation();
    const { id, application } = await createKey(installation);
    const { credentials } = installation.as(operator);
    const rotate = (credential: string, seconds = 60n) =>
      credentials.rotateApiKey({ requestId: randomUUID(), credential, overlap: { seconds } });
    await expect(rotate(id, 604_801n)).rejects.toMatchObject({ code: Code.InvalidArgument });
    const certificate = await credentials.issueCertificate({
      requestId: randomUUID(),
      application: application.id,
      certificateRequest: await createRequest(),
    });
    await expect(rotate(certificate.credential!.id)).rejects.toSatisfy(
      problem(Code.InvalidArgument, "INVALID_FIELD", "RenewCertificate"),
    );
    await credentials.revokeCredential({ credential: id });
    await expect(rotate(id)).rejects.toSatisfy(problem(Code.FailedPrecondition, "CREDENTIAL_NOT_IN_FORCE"));
  });

  test("is not undone by a restore", { timeout: 60_000 }, async () => {
    const installation = await createInstallation();
    const { id, text } = await createKey(installation);
    const database = join(installation.folder, "identity.db");
    const backup = join(installation.folder, "backup.db");
    await installation.reopen(() => copyFile(database, backup));
    await installation.as(operator).credentials.rotateApiKey({ requestId: randomUUID(), credential: id });
    await installation.reopen(async () => {
      for (const end of ["-wal", "-shm"]) await rm(`${database}${end}`, { force: true });
      await copyFile(backup, database);
    });
    await show(installation, text);
    installation.clock.time += day;
    await expect(show(installation, text)).rejects.toSatisfy(refused("expired"));
  });
});

describe("a report of a leaked key", () => {
  test("revokes it at once, tells open streams' doors, and leaves an entry that names it", async () => {
    const installation = await createInstallation();
    const { id, text } = await createKey(installation);
    const { organization } = await createApplication(installation);
    const ended: string[] = [];
    installation.service.onAccessEnded((id) => ended.push(id));
    const { token } = await show(installation, text);
    const anybody = installation.as(anonymous).credentials;
    expect(await anybody.reportLeakedApiKey({ apiKey: text })).toMatchObject({});
    await expect(show(installation, text)).rejects.toSatisfy(refused("revoked"));
    await expect(
      installation.exchange("door")({ credential: { case: "internalToken", value: token } }),
    ).rejects.toSatisfy(refused("revoked"));
    expect(ended).toEqual([id]);
    const reports = async () =>
      (await installation.leaves()).filter(({ access }) => access.method.endsWith("/ReportLeakedApiKey"));
    expect((await reports()).map(({ access }) => [access.organization, access.credential])).toEqual([
      [organization.id, id],
    ]);
    // Again, and keys that nobody has: the same answer, and no entry, which anybody could fill the log with.
    const again = await anybody.reportLeakedApiKey({ apiKey: text });
    const unknown = await anybody.reportLeakedApiKey({ apiKey: newApiKey("test") });
    const none = await anybody.reportLeakedApiKey({ apiKey: "not a key" });
    expect([unknown, none]).toEqual([again, again]);
    expect(await reports()).toHaveLength(1);
  });

  test("revokes the last operator's key, too: a restart makes another one", async () => {
    const installation = await createInstallation();
    const first = installation.service.firstOperatorKey!;
    await installation.as(anonymous).credentials.reportLeakedApiKey({ apiKey: first });
    await expect(show(installation, first)).rejects.toSatisfy(refused("revoked"));
    await installation.reopen();
    await show(installation, installation.service.firstOperatorKey!);
  });

  test("tells the organization's owners and administrators by mail, and nobody else", async () => {
    const installation = await createInstallation();
    const { application, organization } = await createApplication(installation);
    await joinOrganization(installation, organization.id, "usr_owner", Role.OWNER);
    await joinOrganization(installation, organization.id, "usr_clinician", Role.CLINICIAN);
    const { apiKey, credential } = await installation.as(operator).credentials.createApiKey({
      requestId: randomUUID(),
      application: application.id,
      displayName: "Night sync",
    });
    const before = installation.mailbox.mails.length;
    await installation.as(anonymous).credentials.reportLeakedApiKey({ apiKey });
    await expect.poll(() => installation.mailbox.mails.length).toBe(before + 1);
    const { to, text } = installation.mailbox.mails.at(-1)!;
    expect(to).toBe("usr_owner@clinic.example");
    expect(text).toContain(`${credential!.id} (Night sync)`);
    expect(text).not.toContain(apiKey);
  });

  test("leaves no copy of the key in any file", async () => {
    const installation = await createInstallation();
    const { text } = await createKey(installation);
    await installation.as(anonymous).credentials.reportLeakedApiKey({ apiKey: text });
    const files = await installation.files();
    expect(files.filter(({ bytes }) => bytes.includes(text))).toEqual([]);
  });
});
