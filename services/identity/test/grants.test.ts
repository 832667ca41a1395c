/** The connected applications: what people see of them and end, and what a restore does not bring back. */
import { Code } from "@connectrpc/connect";
import { Grant_Kind } from "@wellapi/gen/wellapi/identity/v1/grant_service_pb";
import type { Caller } from "@wellapi/rpc";
import { silentLogger } from "@wellapi/runtime";
import { expect, test } from "vitest";
import { endOfGrant, type Grant } from "../src/oauth/grant.ts";
import { openGrantRepository } from "../src/oauth/grant-repository.ts";
import { createApplication, createInstallation, createPatient } from "./installation.ts";
import { person } from "./members.ts";
import { problem } from "./problem.ts";

async function scene() {
  const installation = await createInstallation();
  const { application, organization } = await createApplication(installation);
  const patient = await createPatient(installation);
  let made = 0;
  async function grant(kind: Grant["kind"], more: Partial<Grant> = {}): Promise<string> {
    const { store, kms, clock } = installation;
    const grants = await openGrantRepository({ store, kms, clock, log: silentLogger });
    const now = clock.time++;
    const whole: Grant = {
      id: `grn_${made++}`,
      application: application.id,
      organization: organization.id,
      kind,
      account: "usr_ada",
      subject: "usr_ada",
      consents: [],
      assurance: "passkey",
      createTime: now,
      expireTime: endOfGrant(kind, now),
      ...more,
    };
    const insertion = grants.insertion(whole);
    await store.commit({ partition: whole.partition ?? "identity", changes: [insertion] });
    await grants.close();
    return whole.id;
  }
  const ofPatient = { partition: patient.partition, subject: patient.id };
  const listed = async (caller: Caller) =>
    (await installation.as(caller).grants.listGrants({})).grants.map(({ id }) => id);
  return { installation, application, organization, patient, grant, ofPatient, listed };
}

test("a patient sees what is connected to their record, whoever agreed, as long as it is in force", async () => {
  const { installation, application, organization, patient, grant, ofPatient, listed } = await scene();
  await grant("connect", { ...ofPatient, consents: ["con_revoked"] });
  const connected = await grant("connect", { ...ofPatient, consents: ["con_1"] });
  const carers = await grant("patient_app", { ...ofPatient, account: "usr_grace" });
  await grant("patient_app", { ...ofPatient, expireTime: 1 });
  await grant("account");
  const { grants } = await installation.as(patient.caller).grants.listGrants({});
  expect(grants.map(({ id, kind, account }) => [id, kind, account])).toEqual([
    [carers, Grant_Kind.PATIENT_APP, "usr_grace"],
    [connected, Grant_Kind.CONNECT, "usr_ada"],
  ]);
  expect(grants[1]).toMatchObject({
    application: application.id,
    applicationName: "Sync",
    organization: organization.id,
    organizationName: "Pulse Makers",
    organizationVerified: false,
    consents: ["con_1"],
  });
  expect(await listed((await createPatient(installation, "other")).caller)).toEqual([]);
});

test("a person sees where their account is signed in as themselves, the command line among it", async () => {
  const { installation, grant, ofPatient, listed } = await scene();
  const own = { application: "wellapi-cli", organization: "installation" };
  await grant("patient_app", { ...ofPatient, ...own });
  const staff = await grant("staff", own);
  const member = await grant("member", { ...own, memberOf: "org_7" });
  await grant("staff", { ...own, account: "usr_ben" });
  expect(await listed(person("usr_ada"))).toEqual([member, staff]);
  const { grants } = await installation.as(person("usr_ada")).grants.listGrants({ pageSize: 1 });
  expect(grants).toMatchObject([
    { kind: Grant_Kind.MEMBER, memberOf: "org_7", applicationName: "WellAPI command line" },
  ]);
});

test("one that is ended is gone, told to the doors, and a restore does not bring it back", async () => {
  const { installation, patient, grant, ofPatient, listed } = await scene();
  const first = await grant("connect", ofPatient);
  const stays = await grant("connect", ofPatient);
  const account = await grant("account");
  const other = await grant("staff", { account: "usr_ben" });
  const restore = await installation.backup();
  const told: string[] = [];
  installation.service.onAccessEnded((id) => told.push(id));

  const { grants } = installation.as(patient.caller);
  expect(await grants.endGrants({ grants: [first, "grn_unknown"] })).toMatchObject({ ended: 1 });
  expect(await grants.endGrants({ grants: [first] })).toMatchObject({ ended: 0 });
  const ada = installation.as(person("usr_ada")).grants;
  expect(await ada.endGrants({ all: true })).toMatchObject({ ended: 1 });
  expect(told).toEqual([first, account]);
  for (const foreign of [stays, other]) {
    await expect(ada.endGrants({ grants: [foreign] })).rejects.toSatisfy(problem(Code.NotFound, "NOT_FOUND"));
  }
  await expect(grants.endGrants({ grants: [account] })).resolves.toMatchObject({ ended: 0 });
  await restore();
  expect(await listed(patient.caller)).toEqual([stays]);
  expect(await listed(person("usr_ada"))).toEqual([]);
  expect(await listed(person("usr_ben"))).toEqual([other]);
  const entries = (await installation.leaves()).map(({ access }) => access);
  const ends = entries.filter(({ method }) => method.endsWith("GrantService/EndGrants"));
  expect(ends.filter(({ reason }) => reason === "REPLAYED_AFTER_RESTORE")).toHaveLength(2);
});

test("of a minor's record, whoever acts in the minor's name sees and ends what they connected themselves", async () => {
  const { installation, patient, grant, ofPatient, listed } = await scene();
  const minors = await grant("connect", ofPatient);
  const own = await grant("patient_app", { ...ofPatient, account: "usr_grace" });
  const { principal } = patient.caller;
  const actor = { kind: "guardian", id: "usr_grace" } as const;
  const guardian = { ...patient.caller, principal: { ...principal, actor, hides: ["mental_health"] } };
  expect(await listed(guardian)).toEqual([own]);
  const { grants } = installation.as(guardian);
  await expect(grants.endGrants({ grants: [minors] })).rejects.toSatisfy(problem(Code.NotFound, "NOT_FOUND"));
  expect(await grants.endGrants({ all: true })).toMatchObject({ ended: 1 });
  expect(await listed(patient.caller)).toEqual([minors]);
});
