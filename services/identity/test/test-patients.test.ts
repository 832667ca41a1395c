import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import type { Caller } from "@wellapi/rpc";
import { decodeJwt } from "jose";
import { expect, test } from "vitest";
import { createInstallation, createPatient, type Installation } from "./installation.ts";
import { createOwned, member } from "./members.ts";
import { problem } from "./problem.ts";

const none = problem(Code.NotFound, "NOT_FOUND");

/** A program of the organization, whose credential `scopes` limit. */
function application(organization: string, scopes?: readonly string[]): Caller {
  const limited = scopes === undefined ? {} : { scopes };
  return {
    principal: { kind: "application", id: "app_1", organization, credential: "crd_1", ...limited },
    workload: "gateway",
    token: "",
  };
}

function enrol(clients: ReturnType<Installation["as"]>, displayName: string, requestId = displayName) {
  const patient = { displayName, timeZones: [{ timeZone: "Europe/Vienna" }] };
  return clients.patients.createPatient({ patient, requestId });
}

test("a developer enrols test patients of the own organization, lists them, and acts as each", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const other = await createOwned(installation, "Other");
  const ours = installation.as(member("usr_dev", organization, "developer"));
  const theirs = installation.as(member("usr_owner", other, "owner"));
  const stranger = await createPatient(installation);

  const { patient } = await enrol(ours, "Test runner");
  const id = installation.pairwise.inward(organization, "pat", patient!.id)!;
  expect((await enrol(ours, "Test runner")).patient).toEqual(patient);
  expect((await ours.patients.listPatients({})).patients).toEqual([patient]);
  expect((await theirs.patients.listPatients({})).patients).toEqual([]);

  const issued = await ours.tokens.issuePatientToken({ patient: patient!.id, requestId: randomUUID() });
  const credential = { case: "bearerToken", value: issued.token } as const;
  const { token } = await installation.exchange("gateway")({ credential });
  expect(decodeJwt(token)).toMatchObject({ kind: "patient", sub: id });
  expect(issued.patient).toBe(installation.pairwise.outward("installation", id));

  const asked = (clients: typeof ours, of: string, internal: string) =>
    clients.tokens.issuePatientToken({
      patient: installation.pairwise.outward(of, internal),
      requestId: randomUUID(),
    });
  await expect(asked(theirs, other, id)).rejects.toSatisfy(none);
  await expect(asked(ours, organization, stranger.id)).rejects.toSatisfy(none);
});

test("an application does, too, for its organization alone, and knows how many more there may be", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const other = await createOwned(installation, "Other");
  const ours = installation.as(application(organization));
  const theirs = installation.as(application(other));
  expect(await ours.sandbox.getSandbox({})).toMatchObject({ organization, testPatientsLeft: 24 });
  const { patient } = await enrol(ours, "Test runner");
  expect(await ours.sandbox.getSandbox({})).toMatchObject({ organization, testPatientsLeft: 23 });
  expect(await theirs.sandbox.getSandbox({})).toMatchObject({ organization: other, testPatientsLeft: 24 });
  const developer = installation.as(member("usr_dev", organization, "developer"));
  expect((await developer.patients.listPatients({})).patients).toEqual([patient]);
  expect((await theirs.patients.listPatients({})).patients).toEqual([]);

  const issued = await ours.tokens.issuePatientToken({ patient: patient!.id, requestId: randomUUID() });
  const credential = { case: "bearerToken", value: issued.token } as const;
  const { token } = await installation.exchange("gateway")({ credential });
  const id = installation.pairwise.inward(organization, "pat", patient!.id)!;
  expect(decodeJwt(token)).toMatchObject({ kind: "patient", sub: id });
  const foreign = installation.pairwise.outward(other, id);
  const asked = theirs.tokens.issuePatientToken({ patient: foreign, requestId: randomUUID() });
  await expect(asked).rejects.toSatisfy(none);
});

test("who only looks enrols nobody, nor does a program that scopes limit", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const auditor = installation.as(member("usr_a", organization, "auditor", "clinician"));
  await expect(enrol(auditor, "Test runner")).rejects.toMatchObject({ code: Code.PermissionDenied });
  for (const scopes of [["system/*.cruds"], ["wellapi:organization"]]) {
    const limited = installation.as(application(organization, scopes));
    await expect(enrol(limited, "Test runner")).rejects.toMatchObject({ code: Code.PermissionDenied });
    await expect(limited.sandbox.getSandbox({})).rejects.toMatchObject({ code: Code.PermissionDenied });
  }
});

test("an organization has twenty-four test patients, until some are erased; a repeat is no other one", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const ours = installation.as(member("usr_dev", organization, "developer"));
  const { patient } = await enrol(ours, "Test 0");
  for (let at = 1; at < 24; at++) await enrol(ours, `Test ${at}`);
  await expect(enrol(ours, "Test 24")).rejects.toSatisfy(
    problem(Code.FailedPrecondition, "TOO_MANY_PATIENTS"),
  );
  expect((await enrol(ours, "Test 0")).patient).toEqual(patient);

  const id = installation.pairwise.inward(organization, "pat", patient!.id)!;
  const records = { principal: { kind: "service", id: "records" }, workload: "records", token: "" } as const;
  await installation.as(records).directory.markErased({ partition: `local/${id}` });
  const { patients } = await ours.patients.listPatients({});
  expect(patients).toHaveLength(23);
  expect(patients.map((one) => one.id)).not.toContain(patient!.id);
  const token = ours.tokens.issuePatientToken({ patient: patient!.id, requestId: randomUUID() });
  await expect(token).rejects.toSatisfy(none);
  await enrol(ours, "Test 24");
});

test("where real people's data is, no member and no application enrols, lists or acts as a patient", async () => {
  const env: Record<string, string> = {};
  const installation = await createInstallation(env);
  const organization = await createOwned(installation);
  const ours = () => installation.as(member("usr_dev", organization, "developer"));
  const { patient } = await enrol(ours(), "Test runner");
  // A folder of a sandbox, opened as production.
  env.WELLAPI_PROFILE = "production";
  await installation.reopen();
  const asked = [ours(), installation.as(application(organization))].flatMap((clients) => [
    clients.sandbox.getSandbox({}),
    clients.sandbox.moveClock({ clockAhead: { seconds: 60n } }),
    enrol(clients, "Another"),
    clients.patients.listPatients({}),
    clients.tokens.issuePatientToken({ patient: patient!.id, requestId: randomUUID() }),
  ]);
  for (const one of await Promise.allSettled(asked)) {
    expect(one.status === "rejected" && one.reason).toSatisfy(
      problem(Code.FailedPrecondition, "SANDBOX_ONLY"),
    );
  }
});

test("the clock of an organization goes forward alone, by its applications and developers, at most two years", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const other = await createOwned(installation, "Other");
  const moved = (caller: Caller, seconds: bigint, nanos = 0) =>
    installation.as(caller).sandbox.moveClock({ clockAhead: { seconds, nanos } });
  const ahead = async (of: string) =>
    (await installation.as(application(of)).sandbox.getSandbox({})).clockAhead?.seconds;
  expect(await ahead(organization)).toBe(0n);
  expect((await moved(application(organization), 60n)).clockAhead?.seconds).toBe(60n);
  const developer = member("usr_dev", organization, "developer");
  expect((await moved(developer, 3_600n)).clockAhead?.seconds).toBe(3_600n);
  expect([await ahead(organization), await ahead(other)]).toEqual([3_600n, 0n]);

  const back = problem(Code.FailedPrecondition, "CLOCK_AHEAD");
  await expect(moved(developer, 3_599n)).rejects.toSatisfy(back);
  const invalid = problem(Code.InvalidArgument, "INVALID_FIELD");
  await expect(moved(developer, 7_200n, 1)).rejects.toSatisfy(invalid);
  await expect(moved(developer, 63_158_401n)).rejects.toMatchObject({ code: Code.InvalidArgument });
  const refused = problem(Code.PermissionDenied, "ROLE_REQUIRED");
  await expect(moved(member("usr_aud", organization, "auditor"), 7_200n)).rejects.toSatisfy(refused);
  const limited = moved(application(organization, ["patient/*.rs"]), 7_200n);
  await expect(limited).rejects.toMatchObject({ code: Code.PermissionDenied });
  expect(await ahead(organization)).toBe(3_600n);
});
