import { randomUUID } from "node:crypto";
import { Code, createClient } from "@connectrpc/connect";
import { LimitService } from "@wellapi/gen/wellapi/identity/v1/limit_service_pb";
import { createTestTransport } from "@wellapi/rpc/testing";
import { expect, test } from "vitest";
import {
  createApplication,
  createInstallation,
  createPatient,
  type Installation,
  operator,
} from "./installation.ts";
import { problem } from "./problem.ts";

const limitsOf = (installation: Installation, caller = operator) =>
  createClient(LimitService, createTestTransport({ routes: installation.service.routes, caller }));

async function withKey() {
  const installation = await createInstallation();
  const { organization, application } = await createApplication(installation);
  const { apiKey } = await installation.as(operator).credentials.createApiKey({
    application: application.id,
    requestId: randomUUID(),
  });
  const exchanged = async () =>
    (await installation.exchange("gateway")({ credential: { case: "apiKey", value: apiKey } })).limits;
  return { installation, organization: organization.id, exchanged };
}

test("what is set for an organization comes with the token of its applications", async () => {
  const { installation, organization, exchanged } = await withKey();
  const limits = limitsOf(installation);
  expect(await exchanged()).toBeUndefined();

  await limits.updateLimits({ limits: { organization, organizationRate: 200, applicationRate: 50 } });
  expect(await exchanged()).toMatchObject({ organization: 200, application: 50, credential: 0, patient: 0 });

  // The installation's own apply where the organization has none.
  await limits.updateLimits({ limits: { applicationRate: 70, credentialRate: 60 } });
  expect(await exchanged()).toMatchObject({ organization: 200, application: 50, credential: 60 });

  await limits.updateLimits({ limits: { organization }, updateMask: { paths: ["application_rate"] } });
  expect(await exchanged()).toMatchObject({ organization: 200, application: 70, credential: 60 });
});

test("patients get the installation's rate", async () => {
  const installation = await createInstallation();
  const { patient } = await createPatient(installation);
  await limitsOf(installation).updateLimits({ limits: { patientRate: 9 } });
  const { token } = await installation.as(operator).tokens.issuePatientToken({
    patient: patient.id,
    requestId: randomUUID(),
  });
  const { limits } = await installation.exchange("gateway")({
    credential: { case: "bearerToken", value: token },
  });
  expect(limits).toMatchObject({ patient: 9, organization: 0 });
});

test("they are read back, outlive a restart, and an update leaves an entry", async () => {
  const { installation, organization } = await withKey();
  const { limits: set } = await limitsOf(installation).updateLimits({
    limits: { organization, credentialRate: 7 },
  });
  const entries = (await installation.leaves()).map(({ access }) => access.method);
  expect(entries.filter((method) => method.endsWith("/UpdateLimits"))).toHaveLength(1);
  await installation.reopen();
  const { limits } = await limitsOf(installation).getLimits({ organization });
  expect(limits).toEqual(set);
  expect(limits).toMatchObject({ organization, credentialRate: 7, organizationRate: 0 });
  expect(limits!.updateTime).toBeDefined();
});

test("a stale etag is refused, and a repeated update gets the same answer", async () => {
  const { installation, organization } = await withKey();
  const limits = limitsOf(installation);
  const { limits: first } = await limits.updateLimits({ limits: { organization, organizationRate: 5 } });
  const { etag } = first!;
  const { limits: second } = await limits.updateLimits({
    limits: { organization, organizationRate: 6, etag },
  });
  expect(second!.etag).not.toBe(etag);
  expect((await limits.updateLimits({ limits: { organization, organizationRate: 6, etag } })).limits).toEqual(
    second,
  );
  await expect(
    limits.updateLimits({ limits: { organization, organizationRate: 7, etag } }),
  ).rejects.toSatisfy(problem(Code.Aborted, "STALE_ETAG"));
});

test("what makes no sense is refused", async () => {
  const { installation, organization } = await withKey();
  const limits = limitsOf(installation);
  await expect(limits.updateLimits({ limits: { organization, patientRate: 5 } })).rejects.toSatisfy(
    problem(Code.InvalidArgument, "INVALID_FIELD", "limits.patient_rate"),
  );
  await expect(limits.getLimits({ organization: "org_none" })).rejects.toSatisfy(
    problem(Code.NotFound, "NOT_FOUND"),
  );
  await expect(
    limits.updateLimits({ limits: { organization: "org_none", organizationRate: 1 } }),
  ).rejects.toSatisfy(problem(Code.NotFound, "NOT_FOUND"));
  await expect(
    limits.updateLimits({ limits: { organization }, updateMask: { paths: ["organization"] } }),
  ).rejects.toSatisfy(problem(Code.InvalidArgument, "INVALID_FIELD", "update_mask"));
});

test("only operators see and set them", async () => {
  const { installation, organization } = await withKey();
  const { caller } = await createPatient(installation);
  const limits = limitsOf(installation, caller);
  await expect(limits.getLimits({ organization })).rejects.toSatisfy(
    problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"),
  );
  await expect(limits.updateLimits({ limits: { organization } })).rejects.toSatisfy(
    problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"),
  );
});
