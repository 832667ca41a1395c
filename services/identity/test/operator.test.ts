import { randomUUID } from "node:crypto";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import type { Caller } from "@wellapi/rpc";
import { expect, test } from "vitest";
import { createInstallation, createPatient, type Installation, operator } from "./installation.ts";
import { problem } from "./problem.ts";

const day = 86_400_000;
const last = problem(Code.FailedPrecondition, "LAST_OPERATOR", "create another one first");

async function createKey(installation: Installation, displayName: string, days?: number) {
  const lifetime = days === undefined ? {} : { lifetime: { seconds: BigInt(days) * 86_400n } };
  const made = await installation
    .as(operator)
    .credentials.createOperatorKey({ requestId: randomUUID(), displayName, ...lifetime });
  return { ...made, credential: made.credential! };
}

function enter(installation: Installation, value: string) {
  return installation.exchange("gateway")({ credential: { case: "apiKey", value } });
}

async function firstKey(installation: Installation) {
  const { credentials } = await installation.as(operator).credentials.listOperatorKeys({});
  return credentials.at(-1)!;
}

test("operators' keys have names, are listed newest first, and each opens the door", async () => {
  const installation = await createInstallation();
  installation.clock.time += 1000;
  const night = await createKey(installation, "Night shift");
  installation.clock.time += 1000;
  const robot = await createKey(installation, "Backups", 30);
  expect(robot.credential.expireTime!.seconds).toBe(BigInt(installation.clock.time / 1000 + 30 * 86_400));
  await enter(installation, night.apiKey);
  await enter(installation, robot.apiKey);
  const { credentials } = await installation.as(operator).credentials.listOperatorKeys({});
  expect(credentials.map(({ displayName }) => displayName)).toEqual([
    "Backups",
    "Night shift",
    "made at a start",
  ]);
  expect(new Set(credentials.map((one) => one.operator)).size).toBe(3);
  expect(credentials[1]).toEqual(night.credential);
  expect(
    JSON.stringify(credentials, (_, value) => (typeof value === "bigint" ? `${value}` : value)),
  ).not.toContain(night.apiKey.slice(15));

  const page = await installation.as(operator).credentials.listOperatorKeys({ pageSize: 2 });
  const { nextPageToken: pageToken } = page;
  const rest = await installation.as(operator).credentials.listOperatorKeys({ pageSize: 2, pageToken });
  expect([...page.credentials, ...rest.credentials]).toEqual(credentials);
});

test("entries of the log name the key that an operator used, and the key that was made", async () => {
  const installation = await createInstallation();
  const { credential } = await createKey(installation, "Night shift");
  const night: Caller = {
    principal: { kind: "operator", id: credential.operator, credential: credential.id },
    workload: "gateway",
    token: "",
  };
  const { patient } = await createPatient(installation);
  await installation.as(night).patients.getPatient({ patient: patient.id });
  const entries = (await installation.leaves()).map(({ access }) => access);
  const read = entries.find(({ method }) => method.endsWith("/GetPatient"));
  expect(read).toMatchObject({ credential: credential.id, actor: { id: credential.operator } });
  expect(entries.filter(({ method }) => method.endsWith("/CreateOperatorKey"))).toHaveLength(1);
});

test("the last key in force stays: it removes neither itself nor is it removed after the others", async () => {
  const installation = await createInstallation();
  const { credentials } = installation.as(operator);
  const first = await firstKey(installation);
  await expect(credentials.revokeCredential({ credential: first.id })).rejects.toSatisfy(last);
  await enter(installation, installation.service.firstOperatorKey!);

  const night = await createKey(installation, "Night shift");
  await credentials.revokeCredential({ credential: first.id });
  const refused = problem(Code.Unauthenticated, "CREDENTIAL_INVALID", "revoked");
  await expect(enter(installation, installation.service.firstOperatorKey!)).rejects.toSatisfy(refused);
  await expect(credentials.revokeCredential({ credential: night.credential.id })).rejects.toSatisfy(last);
  // Again, for one that is revoked already.
  const again = await credentials.revokeCredential({ credential: first.id });
  expect(again.credential?.revokeTime).toBeDefined();
});

test("a key that has expired counts for nothing, and may be revoked", async () => {
  const installation = await createInstallation();
  const { credentials } = installation.as(operator);
  const first = await firstKey(installation);
  const short = await createKey(installation, "A day", 1);
  installation.clock.time += day;
  await expect(credentials.revokeCredential({ credential: first.id })).rejects.toSatisfy(last);
  await credentials.revokeCredential({ credential: short.credential.id });
  await enter(installation, installation.service.firstOperatorKey!);
});

test("two operators who revoke each other at once leave one", async () => {
  const installation = await createInstallation();
  const { credentials } = installation.as(operator);
  const inForce = async () =>
    (await credentials.listOperatorKeys({})).credentials.filter(({ revokeTime }) => revokeTime === undefined);
  for (let round = 0; round < 5; round++) {
    await createKey(installation, `Round ${round}`);
    const both = (await inForce()).map(({ id }) => id);
    const outcomes = await Promise.allSettled(
      both.map((credential) => credentials.revokeCredential({ credential })),
    );
    expect([both.length, ...outcomes.map(({ status }) => status).sort()]).toEqual([
      2,
      "fulfilled",
      "rejected",
    ]);
    expect(await inForce()).toHaveLength(1);
  }
});

test("a repeated request makes no second key, and none once the first was revoked", async () => {
  const installation = await createInstallation();
  const { credentials } = installation.as(operator);
  const asked = { requestId: randomUUID(), displayName: "Night shift" };
  const made = await credentials.createOperatorKey(asked);
  expect(await credentials.createOperatorKey(asked)).toEqual(made);
  await expect(credentials.createOperatorKey({ ...asked, displayName: "Day shift" })).rejects.toSatisfy(
    problem(Code.AlreadyExists, "REQUEST_ID_REUSED"),
  );
  expect((await credentials.listOperatorKeys({})).credentials).toHaveLength(2);
  await credentials.revokeCredential({ credential: made.credential!.id });
  await expect(credentials.createOperatorKey(asked)).rejects.toSatisfy(
    problem(Code.FailedPrecondition, "CREDENTIAL_REVOKED"),
  );
});

test("a restore does not bring a revoked key back, and a start without any makes one", async () => {
  const installation = await createInstallation();
  const { folder } = installation;
  const first = installation.service.firstOperatorKey!;
  const { id } = await firstKey(installation);
  await installation.reopen(() => cp(join(folder, "identity.db"), join(folder, "backup.db")));
  await createKey(installation, "After the backup");
  await installation.as(operator).credentials.revokeCredential({ credential: id });
  await installation.reopen(async () => {
    for (const end of ["-wal", "-shm"]) await rm(join(folder, `identity.db${end}`), { force: true });
    await cp(join(folder, "backup.db"), join(folder, "identity.db"));
  });
  await expect(enter(installation, first)).rejects.toMatchObject({ code: Code.Unauthenticated });
  await enter(installation, installation.service.firstOperatorKey!);
});

test("only operators make and list operators' keys", async () => {
  const installation = await createInstallation();
  const { caller } = await createPatient(installation);
  const denied = { code: Code.PermissionDenied };
  const { credentials } = installation.as(caller);
  await expect(credentials.listOperatorKeys({})).rejects.toMatchObject(denied);
  const asked = { requestId: randomUUID(), displayName: "Mine" };
  await expect(credentials.createOperatorKey(asked)).rejects.toMatchObject(denied);
  expect((await installation.as(operator).credentials.listOperatorKeys({})).credentials).toHaveLength(1);
});
