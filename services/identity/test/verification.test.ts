import { randomUUID } from "node:crypto";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { Petition_State } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { expect, test } from "vitest";
import { createMemberDirectory } from "../src/members/member-directory.ts";
import { createMemberStores } from "../src/members/room.ts";
import { createOrganizationRepository } from "../src/organizations/organization-repository.ts";
import {
  createApplication,
  createInstallation,
  createPatient,
  type Installation,
  operator,
} from "./installation.ts";
import { join as joinOrganization, member, staff } from "./members.ts";
import { problem } from "./problem.ts";

const officer = staff("usr_officer", "privacy_officer");
const confirmed = { legalName: "Herzklinik Nord GmbH", domain: "Clinic.Example", agreements: ["DPA 2026"] };
const unverified = problem(Code.PermissionDenied, "ORGANIZATION_UNVERIFIED");

/** An application with a key, in the profile. */
async function withKey(profile: string) {
  const installation = await createInstallation({ WELLAPI_PROFILE: profile });
  const { organization, application } = await createApplication(installation);
  const { apiKey } = await installation
    .as(operator)
    .credentials.createApiKey({ application: application.id, requestId: randomUUID() });
  const enter = () => installation.exchange("gateway")({ credential: { case: "apiKey", value: apiKey } });
  return { installation, organization: organization.id, enter };
}

const verify = (installation: Installation, organization: string) =>
  installation.as(officer).organizations.verifyOrganization({ organization, ...confirmed });

test("in production an application gets in once its organization is verified, and no longer than that", async () => {
  const { installation, organization, enter } = await withKey("production");
  await expect(enter()).rejects.toSatisfy(unverified);
  const { organization: verified } = await verify(installation, organization);
  expect(verified?.verification).toMatchObject({
    legalName: "Herzklinik Nord GmbH",
    domain: "clinic.example",
    agreements: ["DPA 2026"],
    verifier: "usr_officer",
  });
  const { token } = await enter();

  const told: string[] = [];
  installation.service.onAccessEnded((id) => told.push(id));
  const { organizations } = installation.as(officer);
  const { organization: after } = await organizations.unverifyOrganization({ organization });
  expect([after?.verification, told]).toEqual([undefined, [organization]]);
  await expect(enter()).rejects.toSatisfy(unverified);
  // An open stream is looked at again by its internal token.
  const again = { credential: { case: "internalToken", value: token } } as const;
  await expect(installation.exchange("gateway")(again)).rejects.toSatisfy(unverified);
});

test("an organization that was stored before there were verifications is UNVERIFIED", async () => {
  const installation = await createInstallation({ WELLAPI_PROFILE: "production" });
  const { store } = installation;
  // As that program wrote it, field by field.
  const document = {
    partition: "identity",
    id: "org_before",
    displayName: "Herzklinik Nord GmbH",
    createTime: 1,
    updateTime: 1,
    state: "active",
    stateVersion: 0,
    creator: "opr_1",
    requestId: "before",
    digest: "none",
  };
  const insert = { kind: "insert", collection: "organizations", document } as const;
  await store.commit({ partition: "identity", changes: [insert] });
  const organization = "org_before";
  const { organizations } = installation.as(operator);
  const found = await organizations.getOrganization({ organization });
  expect(found.organization).toMatchObject({ displayName: "Herzklinik Nord GmbH" });
  expect(found.organization?.verification).toBeUndefined();
  const trusting = createOrganizationRepository(store, true);
  expect(trusting.isTrusted(await trusting.organization(organization))).toBe(false);
  expect((await verify(installation, organization)).organization?.verification).toBeDefined();
  expect(trusting.isTrusted(await trusting.organization(organization))).toBe(true);
});

test("in the sandbox an organization that is not verified works, and says that it is not", async () => {
  const { installation, organization, enter } = await withKey("sandbox");
  await enter();
  const { organizations } = installation.as(operator);
  expect((await organizations.getOrganization({ organization })).organization?.verification).toBeUndefined();
});

test("only a privacy officer verifies, by a fresh sign-in; verified, the name stays", async () => {
  const { installation, organization } = await withKey("sandbox");
  const asked = { organization, ...confirmed };
  const role = problem(Code.PermissionDenied, "ROLE_REQUIRED");
  const { organizations } = installation.as(operator);
  await expect(organizations.verifyOrganization(asked)).rejects.toSatisfy(role);
  const stale = { ...officer, principal: { ...officer.principal, assurance: "passkey" as const } };
  await expect(installation.as(stale).organizations.verifyOrganization(asked)).rejects.toSatisfy(
    problem(Code.PermissionDenied, "ASSURANCE_REQUIRED"),
  );

  const { organization: first } = await verify(installation, organization);
  expect((await verify(installation, organization)).organization).toEqual(first);
  const renamed = { organization: { id: organization, displayName: "Charité" } };
  await expect(organizations.updateOrganization(renamed)).rejects.toSatisfy(
    problem(Code.FailedPrecondition, "ORGANIZATION_VERIFIED"),
  );
  await organizations.unverifyOrganization({ organization, etag: first!.etag });
  await organizations.updateOrganization(renamed);
  await expect(
    installation.as(officer).organizations.verifyOrganization({ ...asked, etag: first!.etag }),
  ).rejects.toSatisfy(problem(Code.Aborted, "STALE_ETAG"));
});

test("a restore brings no verification back that was taken", async () => {
  const { installation, organization, enter } = await withKey("production");
  const { folder } = installation;
  await verify(installation, organization);
  await installation.reopen(() => cp(join(folder, "identity.db"), join(folder, "backup.db")));
  await installation.as(officer).organizations.unverifyOrganization({ organization });
  await installation.reopen(async () => {
    for (const end of ["-wal", "-shm"]) await rm(join(folder, `identity.db${end}`), { force: true });
    await cp(join(folder, "backup.db"), join(folder, "identity.db"));
  });
  await expect(enter()).rejects.toSatisfy(unverified);
});

test("in production a clinician of an organization that is not verified is none; its developer works on", async () => {
  const { installation, organization } = await withKey("production");
  await joinOrganization(installation, organization, "usr_doc", Role.CLINICIAN, Role.DEVELOPER);
  const { store, kms } = installation;
  const directory = createMemberDirectory({
    ...(await createMemberStores(store, kms)),
    organizations: createOrganizationRepository(store, true),
  });
  expect(await directory.findMembership("usr_doc", organization)).toEqual({ roles: ["developer"] });
  await verify(installation, organization);
  expect(await directory.findMembership("usr_doc", organization)).toEqual({
    roles: ["developer", "clinician"],
  });
  await installation.as(operator).organizations.disableOrganization({ organization });
  expect(await directory.findMembership("usr_doc", organization)).toBeUndefined();
  expect(await directory.findMembership("usr_other", organization)).toBeUndefined();
});

test("in production an owner of an organization that is not verified says of nobody that they act for a patient", async () => {
  const { installation, organization } = await withKey("production");
  const { id } = await createPatient(installation);
  const patient = installation.pairwise.outward(organization, id);
  const owner = installation.as(member("usr_owner", organization, "owner"));
  const invited = { patient, email: "gustav@example.org", displayName: "Gustav", grounds: "court order" };
  const asked = () => [
    owner.delegations.inviteGuardian({ ...invited, requestId: randomUUID() }),
    owner.delegations.inviteRepresentative({ ...invited, requestId: randomUUID() }),
    owner.guardianships.createGuardianCode({ patient, requestId: randomUUID() }),
    owner.guardianships.decidePetition({
      petition: "gps_none",
      state: Petition_State.CONFIRMED,
      reason: "r",
    }),
  ];
  for (const one of await Promise.allSettled(asked())) {
    expect(one.status === "rejected" && one.reason).toSatisfy(unverified);
  }
  await verify(installation, organization);
  const [guardian, , code] = await Promise.allSettled(asked());
  expect([guardian!.status, code!.status]).toEqual(["fulfilled", "fulfilled"]);
});
