import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import type { Caller } from "@wellapi/rpc";
import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { createInstallation, createPatient, type Installation, operator } from "./installation.ts";
import { codeTo, person, staff } from "./members.ts";
import { register } from "./people.ts";
import { problem } from "./problem.ts";

const day = 86_400_000;
const refused = problem(Code.Unauthenticated, "CREDENTIAL_INVALID", "not in force");
const inUse = problem(Code.AlreadyExists, "PATIENT_IN_USE");

/** The account's caller, as its session makes it. */
async function signUp(installation: Installation, email: string, withoutPatient = true) {
  const { signedIn } = await register(installation, email, { withoutPatient });
  const caller: Caller = {
    ...person(signedIn.account),
    principal: { ...person(signedIn.account).principal, credential: signedIn.session!.id },
  };
  const exchange = (actingAs: string) =>
    installation.exchange("gateway")({
      credential: { case: "session", value: { secret: signedIn.sessionSecret, actingAs } },
    });
  return { caller, exchange, account: signedIn.account };
}

async function createCode(installation: Installation, patient: string, by = operator) {
  const { code } = await installation.as(by).patients.createClaimCode({ requestId: randomUUID(), patient });
  return code;
}

describe("a patient whom somebody else enrolled", () => {
  test("is claimed by a code, and is the person's own from then on", async () => {
    const installation = await createInstallation();
    const { patient, id, partition } = await createPatient(installation);
    const { caller, exchange } = await signUp(installation, "ada@canary.example");
    const code = await createCode(installation, patient.id, staff("usr_1", "support"));
    expect(await installation.as(caller).patients.claimPatient({ code })).toMatchObject({
      patient: patient.id,
    });
    const { token } = await exchange("");
    expect(decodeJwt(token)).toMatchObject({ kind: "patient", sub: id, part: partition });
    // The same person again, whose answer was lost.
    await installation.as(caller).patients.claimPatient({ code });
    const claims = (await installation.leaves()).filter(({ access }) =>
      access.method.endsWith("/ClaimPatient"),
    );
    expect(claims.some(({ partition: where }) => where === partition)).toBe(true);
  });

  test("is claimed once: not by another person with the same code, nor with another one", async () => {
    const installation = await createInstallation();
    const { patient } = await createPatient(installation);
    const [ada, mallory] = [
      await signUp(installation, "ada@canary.example"),
      await signUp(installation, "mallory@canary.example"),
    ];
    const code = await createCode(installation, patient.id);
    await installation.as(ada.caller).patients.claimPatient({ code });
    const second = installation.as(mallory.caller).patients;
    await expect(second.claimPatient({ code })).rejects.toSatisfy(refused);
    const another = await createCode(installation, patient.id);
    await expect(second.claimPatient({ code: another })).rejects.toSatisfy(inUse);
  });

  test("is nobody's who has a patient already, and the code stays for who has none", async () => {
    const installation = await createInstallation();
    const { patient } = await createPatient(installation);
    const settled = await signUp(installation, "settled@canary.example", false);
    const code = await createCode(installation, patient.id);
    await expect(installation.as(settled.caller).patients.claimPatient({ code })).rejects.toSatisfy(inUse);
    const ada = await signUp(installation, "ada@canary.example");
    await installation.as(ada.caller).patients.claimPatient({ code });
  });

  test("is not claimed by a guess, too late, or by a code that a patient or clinician made", async () => {
    const installation = await createInstallation();
    const { patient, caller: itself } = await createPatient(installation);
    const ada = installation.as((await signUp(installation, "ada@canary.example")).caller).patients;
    const code = await createCode(installation, patient.id);
    await expect(ada.claimPatient({ code: `wellapi_cc_${"a".repeat(43)}` })).rejects.toSatisfy(refused);
    for (const by of [itself, staff("usr_1", "privacy_officer")]) {
      await expect(createCode(installation, patient.id, by)).rejects.toMatchObject({
        code: Code.PermissionDenied,
      });
    }
    installation.clock.time += 7 * day;
    await expect(ada.claimPatient({ code })).rejects.toSatisfy(refused);
  });

  test("has a code that is kept as a digest", async () => {
    const installation = await createInstallation();
    const { patient } = await createPatient(installation);
    const code = await createCode(installation, patient.id);
    await installation.reopen();
    const files = await installation.files();
    expect(files.filter(({ bytes }) => bytes.includes(code))).toEqual([]);
  });
});

test("a carer's session acts in the patient's name, with the carer as the actor, until it is taken back", async () => {
  const installation = await createInstallation();
  const { patient, id, caller } = await createPatient(installation);
  const grace = await signUp(installation, "grace@canary.example", false);
  await expect(grace.exchange(patient.id)).rejects.toSatisfy(
    problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"),
  );
  const { delegation } = await installation.as(caller).delegations.inviteCarer({
    patient: patient.id,
    email: "grace@canary.example",
    displayName: "Grace",
    requestId: "carer",
  });
  const code = codeTo(installation, "grace@canary.example");
  await installation.as(grace.caller).delegations.acceptDelegation({ code });
  const { token } = await grace.exchange(patient.id);
  expect(decodeJwt(token)).toMatchObject({
    kind: "patient",
    sub: id,
    act: { kind: "carer", id: grace.account },
  });
  await installation.as(caller).delegations.endDelegation({ delegation: delegation!.id });
  await expect(grace.exchange(patient.id)).rejects.toSatisfy(
    problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"),
  );
  await expect(
    installation.exchange("records")({ credential: { case: "internalToken", value: token } }),
  ).rejects.toSatisfy(problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"));
});
