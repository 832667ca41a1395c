import { randomUUID } from "node:crypto";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { createInstallation, createPatient, type Installation, operator } from "./installation.ts";
import { problem } from "./problem.ts";

const day = 86_400_000;
const revoked = problem(Code.Unauthenticated, "CREDENTIAL_INVALID", "revoked");

async function issue(installation: Installation, patient: string, seconds = 3_600n) {
  const issued = await installation
    .as(operator)
    .tokens.issuePatientToken({ requestId: randomUUID(), patient, lifetime: { seconds } });
  const shown = () =>
    installation.exchange("gateway")({ credential: { case: "bearerToken", value: issued.token } });
  return { ...issued, shown };
}

test("a patient's tokens are listed, newest first, without the tokens themselves", async () => {
  const installation = await createInstallation();
  const { patient, caller } = await createPatient(installation);
  const other = await createPatient(installation, "another patient");
  const first = await issue(installation, patient.id);
  installation.clock.time += 1000;
  const second = await issue(installation, patient.id);
  await issue(installation, other.patient.id);
  const { tokens } = await installation.as(operator).tokens.listPatientTokens({ patient: patient.id });
  expect(tokens.map(({ id }) => id)).toEqual([second.tokenId, first.tokenId]);
  expect(tokens[1]).toMatchObject({ operator: operator.principal.id, expireTime: first.expireTime });
  expect(first.tokenId).toMatch(/^tok_/);
  // The patient sees their own, under their own id, and nobody else's.
  expect((await installation.as(caller).tokens.listPatientTokens({ patient: patient.id })).tokens).toEqual(
    tokens,
  );
  await expect(
    installation.as(caller).tokens.listPatientTokens({ patient: other.patient.id }),
  ).rejects.toSatisfy(problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"));

  const page = await installation.as(operator).tokens.listPatientTokens({ patient: patient.id, pageSize: 1 });
  const rest = await installation
    .as(operator)
    .tokens.listPatientTokens({ patient: patient.id, pageSize: 1, pageToken: page.nextPageToken });
  expect([...page.tokens, ...rest.tokens]).toEqual(tokens);
});

test("one token is revoked: it is refused at once, and so is what was made from it; the others count", async () => {
  const installation = await createInstallation();
  const { patient } = await createPatient(installation);
  const [gone, stays] = [await issue(installation, patient.id), await issue(installation, patient.id)];
  const { token: internal } = await gone.shown();
  const told: string[] = [];
  installation.service.onAccessEnded((id) => told.push(id));
  const { tokens } = installation.as(operator);
  const ask = { patient: patient.id, tokens: [gone.tokenId] };
  expect((await tokens.revokePatientTokens(ask)).revoked).toBe(1);
  expect(told).toEqual([gone.tokenId]);
  await expect(gone.shown()).rejects.toSatisfy(revoked);
  const onward = installation.exchange("records")({ credential: { case: "internalToken", value: internal } });
  await expect(onward).rejects.toSatisfy(revoked);
  await stays.shown();
  expect((await tokens.revokePatientTokens(ask)).revoked).toBe(0);
  const listed = await tokens.listPatientTokens({ patient: patient.id });
  const times = new Map(listed.tokens.map(({ id, revokeTime }) => [id, revokeTime !== undefined]));
  expect([times.get(gone.tokenId), times.get(stays.tokenId)]).toEqual([true, false]);
});

test("all tokens of a patient are revoked, however many, and nobody else's", async () => {
  const installation = await createInstallation();
  const { patient, caller } = await createPatient(installation);
  const other = await createPatient(installation, "another patient");
  const theirs = await issue(installation, other.patient.id);
  const all = await Promise.all(Array.from({ length: 205 }, () => issue(installation, patient.id)));
  const ended = await issue(installation, patient.id, 1n);
  installation.clock.time += 2000;
  // By the patient: a lost device.
  expect((await installation.as(caller).tokens.revokePatientTokens({ patient: patient.id })).revoked).toBe(
    205,
  );
  for (const { shown } of all) await expect(shown()).rejects.toSatisfy(revoked);
  await theirs.shown();
  const { tokens } = await installation
    .as(operator)
    .tokens.listPatientTokens({ patient: patient.id, pageSize: 1000 });
  expect(tokens.filter(({ revokeTime }) => revokeTime === undefined).map(({ id }) => id)).toEqual([
    ended.tokenId,
  ]);
  const entries = (await installation.leaves()).filter(({ access }) =>
    access.method.endsWith("/RevokePatientTokens"),
  );
  expect(entries).toHaveLength(1);
  await (await issue(installation, patient.id)).shown();
});

test("where one of several is unknown, or another patient's, nothing is revoked", async () => {
  const installation = await createInstallation();
  const { patient, caller } = await createPatient(installation);
  const other = await createPatient(installation, "another patient");
  const [own, foreign] = [await issue(installation, patient.id), await issue(installation, other.patient.id)];
  for (const unknown of [foreign.tokenId, "tok_nobody"]) {
    await expect(
      installation
        .as(operator)
        .tokens.revokePatientTokens({ patient: patient.id, tokens: [own.tokenId, unknown] }),
    ).rejects.toSatisfy(problem(Code.NotFound, "NOT_FOUND"));
  }
  await expect(
    installation.as(caller).tokens.revokePatientTokens({ patient: other.patient.id }),
  ).rejects.toSatisfy(problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"));
  await own.shown();
  await foreign.shown();
});

test("a repeated request gives no token that was revoked since", async () => {
  const installation = await createInstallation();
  const { patient } = await createPatient(installation);
  const { tokens } = installation.as(operator);
  const asked = { requestId: randomUUID(), patient: patient.id };
  const issued = await tokens.issuePatientToken(asked);
  expect(await tokens.issuePatientToken(asked)).toEqual(issued);
  await tokens.revokePatientTokens({ patient: patient.id });
  await expect(tokens.issuePatientToken(asked)).rejects.toSatisfy(
    problem(Code.FailedPrecondition, "CREDENTIAL_REVOKED"),
  );
});

test("a restore brings no revoked token back, and what was issued after the backup opens nothing", async () => {
  const installation = await createInstallation();
  const { folder } = installation;
  const { patient } = await createPatient(installation);
  const [gone, stays] = [await issue(installation, patient.id), await issue(installation, patient.id)];
  await installation.reopen(() => cp(join(folder, "identity.db"), join(folder, "backup.db")));
  const later = await issue(installation, patient.id);
  await installation
    .as(operator)
    .tokens.revokePatientTokens({ patient: patient.id, tokens: [gone.tokenId, later.tokenId] });
  await installation.reopen(async () => {
    for (const end of ["-wal", "-shm"]) await rm(join(folder, `identity.db${end}`), { force: true });
    await cp(join(folder, "backup.db"), join(folder, "identity.db"));
  });
  await expect(gone.shown()).rejects.toSatisfy(revoked);
  await expect(later.shown()).rejects.toSatisfy(
    problem(Code.Unauthenticated, "CREDENTIAL_INVALID", "unknown: ask for another one"),
  );
  await stays.shown();
  const replayed = (await installation.leaves()).filter(
    ({ access }) => access.reason === "REPLAYED_AFTER_RESTORE",
  );
  expect(replayed.map(({ access }) => access.method)).toEqual([
    "wellapi.identity.v1.TokenService/RevokePatientTokens",
  ]);
  expect(replayed[0]!.access.patient).not.toBe("");
});

test("a token is forgotten a day after it ended", async () => {
  const installation = await createInstallation();
  const { patient, partition } = await createPatient(installation);
  await issue(installation, patient.id, 60n);
  const kept = async () =>
    (await installation.store.scan("patient_tokens", { equals: [partition], limit: 10 })).documents.length;
  installation.clock.time += 60_000 + day - 1;
  await installation.reopen();
  expect(await kept()).toBe(1);
  installation.clock.time += 1;
  await installation.reopen();
  expect(await kept()).toBe(0);
});
