import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Actor_Kind } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { anonymous, type Caller } from "@wellapi/rpc";
import { expect, test } from "vitest";
import { createRequest } from "./certificates.ts";
import {
  createApplication,
  createInstallation,
  createPatient,
  type Installation,
  operator,
} from "./installation.ts";
import { problem } from "./problem.ts";

/** Method, outcome and reason of each leaf in a partition ("" for those about no patient), in order. */
async function told(installation: Installation, partition: string) {
  const leaves = (await installation.leaves()).filter((leaf) => leaf.partition === partition);
  return leaves.map(({ access: { method, outcome, reason } }) => {
    const [, name] = method.split("/");
    return outcome === Access_Outcome.PERMITTED ? name : `${name} ${reason}`;
  });
}

test("everything that changes the installation leaves a leaf, and what shows no patient leaves none", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { credentials, organizations } = installation.as(operator);
  await credentials.issueCertificate({
    requestId: randomUUID(),
    application: application.id,
    certificateRequest: await createRequest(),
  });
  const { credential } = await credentials.createApiKey({
    requestId: randomUUID(),
    application: application.id,
  });
  await credentials.revokeCredential({ credential: credential!.id });
  await credentials.revokeCredential({ credential: credential!.id });
  await credentials.revokeCredential({ credential: "crd_none" }).catch(() => undefined);
  await organizations.listOrganizations({});
  const { id, organization } = application;
  await organizations.updateApplication({ application: { id, displayName: "Sync 2" } });
  await organizations.updateOrganization({ organization: { id: organization, displayName: "Makers" } });
  await organizations.disableOrganization({ organization });
  await organizations.enableOrganization({ organization });
  await organizations.disableApplication({ application: id });
  await organizations.enableApplication({ application: id });
  await organizations.deleteOrganization({ organization }).catch(() => undefined);
  await organizations.deleteApplication({ application: id });
  await organizations.deleteOrganization({ organization });
  await credentials.getCredential({ credential: credential!.id });
  await credentials.listCredentials({ application: application.id });
  // Leaves of one millisecond have no order among them.
  expect((await told(installation, "")).sort()).toEqual([
    "CreateApiKey",
    "CreateApplication",
    "CreateOrganization",
    // Of the application, and of the certificate that goes with it.
    "DeleteApplication",
    "DeleteApplication",
    "DeleteOrganization",
    "DeleteOrganization ORGANIZATION_IN_USE",
    "DisableApplication",
    "DisableOrganization",
    "EnableApplication",
    "EnableOrganization",
    "IssueCertificate",
    "RevokeCredential",
    "RevokeCredential",
    "RevokeCredential NOT_FOUND",
    "UpdateApplication",
    "UpdateOrganization",
  ]);
});

test("a patient's leaves tell who touched the entry, and name the patient by the pairwise id", async () => {
  const installation = await createInstallation();
  const step = () => {
    installation.clock.time += 1000;
  };
  const { patient, partition, id, caller } = await createPatient(installation);
  step();
  await createPatient(installation);
  step();
  await installation.as(operator).patients.getPatient({ patient: patient.id });
  step();
  await installation.as(operator).patients.listPatients({});
  step();
  await installation.as(operator).tokens.issuePatientToken({ requestId: randomUUID(), patient: patient.id });
  step();
  await installation.as(caller).patients.getPatient({ patient: patient.id });
  expect(await told(installation, partition)).toEqual([
    "CreatePatient",
    "CreatePatient",
    "GetPatient",
    "ListPatients",
    "IssuePatientToken",
    "GetPatient",
  ]);

  const leaves = (await installation.leaves()).filter((leaf) => leaf.partition === partition);
  expect(new Set(leaves.map(({ access }) => access.patient))).toEqual(new Set([patient.id]));
  expect(leaves[0]!.access).toMatchObject({
    actor: { kind: Actor_Kind.OPERATOR, id: operator.principal.id },
    credential: operator.principal.credential,
    workload: "door",
    method: "wellapi.identity.v1.PatientService/CreatePatient",
    requestId: "patient",
  });
  expect(leaves.at(-1)!.access.actor).toMatchObject({ kind: Actor_Kind.PATIENT, id: patient.id });
  expect(JSON.stringify(leaves.map(({ access }) => [access.patient, access.actor]))).not.toContain(id);
});

test("an enrolment that is asked for twice at once is told to one patient only", async () => {
  const installation = await createInstallation();
  const [{ partition }] = await Promise.all([createPatient(installation), createPatient(installation)]);
  expect(new Set((await installation.leaves()).map((leaf) => leaf.partition))).toEqual(new Set([partition]));
  expect(await told(installation, partition)).toEqual(["CreatePatient", "CreatePatient"]);
});

test("what is denied leaves a leaf with the reason", async () => {
  const installation = await createInstallation({ WELLAPI_PROFILE: "production" });
  const own = await createPatient(installation, "own");
  const other = await createPatient(installation, "other");
  await installation
    .as(own.caller)
    .patients.getPatient({ patient: other.patient.id })
    .catch(() => undefined);
  installation.clock.time += 1000;
  const { tokens } = installation.as(operator);
  await tokens.issuePatientToken({ requestId: randomUUID(), patient: own.patient.id }).catch(() => undefined);
  expect(await told(installation, "")).toEqual([
    "GetPatient CALLER_NOT_PERMITTED",
    "IssuePatientToken SANDBOX_ONLY",
  ]);
});

test("what a door refused leaves a leaf of the refused caller, which no service and no other caller can write", async () => {
  const installation = await createInstallation();
  const { organization, application } = await createApplication(installation);
  const refused: Caller = {
    principal: {
      kind: "application",
      id: application.id,
      organization: organization.id,
      credential: "crd_7",
    },
    workload: "door",
    token: "",
  };
  const denials = { method: "wellapi.records.v1.RecordsService/ErasePatient", count: 41 };
  await installation.as(refused).exchange.recordDenials(denials);
  const leaf = (await installation.leaves()).at(-1)!;
  expect(leaf.partition).toBe("");
  expect(leaf.access).toMatchObject({
    ...{ method: denials.method, items: 41, reason: "CALLER_NOT_PERMITTED", outcome: Access_Outcome.DENIED },
    ...{ organization: organization.id, credential: "crd_7", workload: "door", patient: "" },
  });
  const written = (await installation.leaves()).length;
  for (const caller of [
    { ...refused, workload: "records" },
    { ...refused, principal: { kind: "service", id: "door" } as const },
    { ...anonymous, workload: "door" },
  ]) {
    await expect(installation.as(caller).exchange.recordDenials(denials)).rejects.toSatisfy(
      problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"),
    );
  }
  expect(await installation.leaves()).toHaveLength(written);
});
