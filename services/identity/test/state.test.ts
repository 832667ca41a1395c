import { randomUUID } from "node:crypto";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { Application_State, Organization_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { expect, test } from "vitest";
import { createApplication, createInstallation, type Installation, operator } from "./installation.ts";
import { problem } from "./problem.ts";

const refused = problem(Code.Unauthenticated, "CREDENTIAL_INVALID", "disabled or deleted");

/** An application with an API key, and the ways in that the key opens. */
async function createCaller(installation: Installation) {
  const created = await createApplication(installation);
  const { credential, apiKey } = await installation
    .as(operator)
    .credentials.createApiKey({ requestId: randomUUID(), application: created.application.id });
  const byKey = () => installation.exchange("gateway")({ credential: { case: "apiKey", value: apiKey } });
  const { token } = await byKey();
  const onward = () =>
    installation.exchange("gateway")({ credential: { case: "internalToken", value: token } });
  return { ...created, credential: credential!, byKey, onward };
}

test("a disabled application is refused at once, with tokens of before, and enabled goes on as it was", async () => {
  const installation = await createInstallation();
  const { application, credential, byKey, onward } = await createCaller(installation);
  const { organizations, credentials } = installation.as(operator);
  const told: string[] = [];
  installation.service.onAccessEnded((id) => told.push(id));

  installation.clock.time += 1000;
  const disabled = await organizations.disableApplication({ application: application.id });
  expect(disabled.application).toMatchObject({
    id: application.id,
    state: Application_State.DISABLED,
    updateTime: { seconds: BigInt(installation.clock.time / 1000) },
  });
  await expect(byKey()).rejects.toSatisfy(refused);
  await expect(onward()).rejects.toSatisfy(refused);
  expect(told).toEqual([application.id]);
  expect(await organizations.disableApplication({ application: application.id })).toEqual(disabled);
  expect((await credentials.getCredential({ credential: credential.id })).credential).toEqual(credential);

  const enabled = await organizations.enableApplication({ application: application.id });
  expect(enabled.application!.state).toBe(Application_State.ACTIVE);
  await byKey();
  await onward();
});

test("with a disabled organization all its applications are refused, whatever their own state", async () => {
  const installation = await createInstallation();
  const { organization, application, byKey, onward } = await createCaller(installation);
  const { organizations } = installation.as(operator);
  const disabled = await organizations.disableOrganization({ organization: organization.id });
  expect(disabled.organization!.state).toBe(Organization_State.DISABLED);
  await expect(byKey()).rejects.toSatisfy(refused);
  await expect(onward()).rejects.toSatisfy(refused);
  await organizations.enableApplication({ application: application.id });
  await expect(byKey()).rejects.toSatisfy(refused);
  await organizations.enableOrganization({ organization: organization.id });
  await byKey();
});

test("a deleted application keeps its id, loses its credentials, and is never one again", async () => {
  const installation = await createInstallation();
  const { organization, application, credential, byKey, onward } = await createCaller(installation);
  const { organizations, credentials } = installation.as(operator);
  const deleted = await organizations.deleteApplication({ application: application.id });
  expect(deleted.application!.state).toBe(Application_State.DELETED);
  await expect(byKey()).rejects.toSatisfy(problem(Code.Unauthenticated, "CREDENTIAL_INVALID", "revoked"));
  await expect(onward()).rejects.toMatchObject({ code: Code.Unauthenticated });
  const { credential: after } = await credentials.getCredential({ credential: credential.id });
  expect(after!.revokeTime).toBeDefined();

  expect(await organizations.deleteApplication({ application: application.id })).toEqual(deleted);
  expect((await organizations.getApplication({ application: application.id })).application).toEqual(
    deleted.application,
  );
  const gone = problem(Code.FailedPrecondition, "DELETED");
  const { id } = application;
  await expect(organizations.enableApplication({ application: id })).rejects.toSatisfy(gone);
  await expect(organizations.disableApplication({ application: id })).rejects.toSatisfy(gone);
  const renaming = organizations.updateApplication({ application: { id, displayName: "Again" } });
  await expect(renaming).rejects.toSatisfy(gone);
  const issuing = credentials.createApiKey({ requestId: randomUUID(), application: id });
  await expect(issuing).rejects.toSatisfy(gone);

  const list = (showDeleted: boolean) =>
    organizations.listApplications({ organization: organization.id, showDeleted });
  expect((await list(false)).applications).toEqual([]);
  expect((await list(true)).applications).toEqual([deleted.application]);
  // Its request_id stands for it still, and makes no other one.
  const again = await organizations.createApplication({
    application: { organization: organization.id, displayName: "Sync" },
    requestId: "application",
  });
  expect(again.application).toEqual(deleted.application);
});

test("an organization is deleted once its applications are, and nothing is made in it afterwards", async () => {
  const installation = await createInstallation();
  const { organization, application } = await createCaller(installation);
  const { organizations } = installation.as(operator);
  const { id } = organization;
  const inUse = problem(Code.FailedPrecondition, "ORGANIZATION_IN_USE", "delete those first");
  await expect(organizations.deleteOrganization({ organization: id })).rejects.toSatisfy(inUse);
  await organizations.disableApplication({ application: application.id });
  await expect(organizations.deleteOrganization({ organization: id })).rejects.toSatisfy(inUse);
  await organizations.deleteApplication({ application: application.id });
  const deleted = await organizations.deleteOrganization({ organization: id });
  expect(deleted.organization!.state).toBe(Organization_State.DELETED);
  expect((await organizations.getOrganization({ organization: id })).organization).toEqual(
    deleted.organization,
  );
  expect((await organizations.listOrganizations({})).organizations).toEqual([]);
  expect((await organizations.listOrganizations({ showDeleted: true })).organizations).toHaveLength(1);
  const orphan = { application: { organization: id, displayName: "Late" }, requestId: "late" };
  await expect(organizations.createApplication(orphan)).rejects.toSatisfy(
    problem(Code.FailedPrecondition, "DELETED"),
  );
});

test("an organization that is deleted while an application is made in it ends without one or is not deleted", async () => {
  const installation = await createInstallation();
  const { organizations } = installation.as(operator);
  for (let round = 0; round < 8; round++) {
    const { organization } = await organizations.createOrganization({
      organization: { displayName: "Pulse" },
      requestId: `o${round}`,
    });
    const { id } = organization!;
    const [made, deleted] = await Promise.allSettled([
      organizations.createApplication({
        application: { organization: id, displayName: "Sync" },
        requestId: `a${round}`,
      }),
      organizations.deleteOrganization({ organization: id }),
    ]);
    expect([made.status, deleted.status].sort()).toEqual(["fulfilled", "rejected"]);
  }
});

test("a change that saw another version is refused, and one that holds already is not", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { organizations } = installation.as(operator);
  const { id, etag } = application;
  const stale = problem(Code.Aborted, "STALE_ETAG");
  installation.clock.time += 1000;
  await organizations.updateApplication({ application: { id, displayName: "Other" } });
  await expect(organizations.disableApplication({ application: id, etag })).rejects.toSatisfy(stale);
  await expect(organizations.deleteApplication({ application: id, etag })).rejects.toSatisfy(stale);
  const updating = organizations.updateApplication({ application: { id, etag, displayName: "Third" } });
  await expect(updating).rejects.toSatisfy(stale);
  const now = (await organizations.getApplication({ application: id })).application!;
  expect(now).toMatchObject({ displayName: "Other", state: Application_State.ACTIVE });
  const disabled = await organizations.disableApplication({ application: id, etag: now.etag });
  // The answer was lost: the same call again.
  expect(await organizations.disableApplication({ application: id, etag: now.etag })).toEqual(disabled);
});

test("no restore enables what was disabled or brings back what was deleted, nor undoes an enabling", async () => {
  const installation = await createInstallation();
  const { organization, application, byKey } = await createCaller(installation);
  const { organizations } = installation.as(operator);
  const other = await organizations.createOrganization({
    organization: { displayName: "Back again" },
    requestId: "other",
  });
  const backAgain = other.organization!.id;
  const files = ["identity.db", "identity.db-wal", "identity.db-shm"];
  const copy = async (from: string, to: string) => {
    for (const file of files) {
      await rm(join(to, file), { force: true });
      await cp(join(from, file), join(to, file)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
    }
  };
  const backup = join(installation.folder, "backup");
  await installation.reopen(() => copy(installation.folder, backup));

  const { organizations: later } = installation.as(operator);
  await later.disableOrganization({ organization: organization.id });
  await later.deleteApplication({ application: application.id });
  await later.disableOrganization({ organization: backAgain });
  await later.enableOrganization({ organization: backAgain });
  await installation.reopen(() => copy(backup, installation.folder));

  const { organizations: restored } = installation.as(operator);
  const stateOf = async (id: string) =>
    (await restored.getOrganization({ organization: id })).organization!.state;
  expect(await stateOf(organization.id)).toBe(Organization_State.DISABLED);
  expect(await stateOf(backAgain)).toBe(Organization_State.ACTIVE);
  const { application: gone } = await restored.getApplication({ application: application.id });
  expect(gone!.state).toBe(Application_State.DELETED);
  await expect(byKey()).rejects.toMatchObject({ code: Code.Unauthenticated });
});

test("only operators change organizations and applications", async () => {
  const installation = await createInstallation();
  const { organization, application } = await createApplication(installation);
  const caller = {
    principal: {
      kind: "application",
      id: application.id,
      organization: organization.id,
      credential: "crd_1",
    },
    workload: "gateway",
    token: "",
  } as const;
  const { organizations } = installation.as(caller);
  const denied = { code: Code.PermissionDenied };
  const named = { id: organization.id, displayName: "Mine" };
  await expect(organizations.updateOrganization({ organization: named })).rejects.toMatchObject(denied);
  await expect(organizations.enableApplication({ application: application.id })).rejects.toMatchObject(
    denied,
  );
  await expect(organizations.deleteOrganization({ organization: organization.id })).rejects.toMatchObject(
    denied,
  );
});
