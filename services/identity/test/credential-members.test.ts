import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import type { Caller, Role } from "@wellapi/rpc";
import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { createRequest } from "./certificates.ts";
import { createApplication, createInstallation, operator } from "./installation.ts";
import { problem } from "./problem.ts";

const notFound = problem(Code.NotFound, "NOT_FOUND");
const requestId = () => randomUUID();

function member(organization: string, role: Role, assurance: "code" | "passkey" = "passkey"): Caller {
  return {
    principal: { kind: "member", id: "usr_1", organization, roles: [role], assurance, credential: "ses_1" },
    workload: "gateway",
    token: "",
  };
}

/** Two organizations with an application each; the second one's has a key. */
async function createTwo() {
  const installation = await createInstallation();
  const own = await createApplication(installation);
  const { organizations, credentials } = installation.as(operator);
  const { organization } = await organizations.createOrganization({
    organization: { displayName: "Other" },
    requestId: "other",
  });
  const { application } = await organizations.createApplication({
    application: { organization: organization!.id, displayName: "Theirs" },
    requestId: "other",
  });
  const foreign = await credentials.createApiKey({ requestId: requestId(), application: application!.id });
  return { installation, own, foreign: { application: application!.id, key: foreign.credential!.id } };
}

describe("a member of an organization", () => {
  test("makes, sees, rotates and revokes credentials of the organization's own applications", async () => {
    const { installation, own } = await createTwo();
    const { credentials } = installation.as(member(own.organization.id, "developer"));
    const application = own.application.id;
    const { credential } = await credentials.createApiKey({ requestId: requestId(), application });
    await credentials.createEnrollmentCode({ requestId: requestId(), application });
    const certificateRequest = await createRequest();
    await credentials.issueCertificate({ requestId: requestId(), application, certificateRequest });
    await credentials.rotateApiKey({ requestId: requestId(), credential: credential!.id });
    expect((await credentials.listCredentials({ application })).credentials).toHaveLength(3);
    await credentials.getCredential({ credential: credential!.id });
    await credentials.revokeCredential({ credential: credential!.id });
  });

  test("finds nothing of another organization, and no operator's key", async () => {
    const { installation, own, foreign } = await createTwo();
    const { credentials } = installation.as(member(own.organization.id, "owner"));
    const [operatorsKey] = (await installation.as(operator).credentials.listOperatorKeys({})).credentials;
    const { application } = foreign;
    const certificateRequest = await createRequest();
    const tried = [
      credentials.createApiKey({ requestId: requestId(), application }),
      credentials.createEnrollmentCode({ requestId: requestId(), application }),
      credentials.issueCertificate({ requestId: requestId(), application, certificateRequest }),
      credentials.listCredentials({ application }),
      ...[foreign.key, operatorsKey!.id].flatMap((credential) => [
        credentials.getCredential({ credential }),
        credentials.rotateApiKey({ requestId: requestId(), credential }),
        credentials.revokeCredential({ credential }),
      ]),
    ];
    const outcomes = await Promise.allSettled(tried);
    expect(outcomes.map((one) => one.status === "rejected" && notFound(one.reason))).toEqual(
      tried.map(() => true),
    );
    const { credential } = await installation.as(operator).credentials.getCredential({
      credential: foreign.key,
    });
    expect(credential).toMatchObject({ successor: "" });
    expect(credential!.revokeTime).toBeUndefined();
  });

  test("needs a role for it, a passkey to make one, and never makes an operator's key", async () => {
    const { installation, own } = await createTwo();
    const application = own.application.id;
    const asked = { requestId: requestId(), application };
    const refused = (reason: string) => problem(Code.PermissionDenied, reason);
    for (const role of ["clinician", "auditor"] as const) {
      const { credentials } = installation.as(member(own.organization.id, role));
      await expect(credentials.createApiKey(asked)).rejects.toSatisfy(refused("ROLE_REQUIRED"));
    }
    // An auditor sees what there is, and changes nothing.
    const listedBy = (role: "clinician" | "auditor") =>
      installation.as(member(own.organization.id, role)).credentials.listCredentials({ application });
    await expect(listedBy("clinician")).rejects.toSatisfy(refused("ROLE_REQUIRED"));
    await listedBy("auditor");
    const byCode = installation.as(member(own.organization.id, "owner", "code")).credentials;
    await expect(byCode.createApiKey(asked)).rejects.toSatisfy(refused("ASSURANCE_REQUIRED"));
    await byCode.listCredentials({ application });
    const owner = installation.as(member(own.organization.id, "owner")).credentials;
    await expect(owner.createOperatorKey({ requestId: requestId(), displayName: "Mine" })).rejects.toSatisfy(
      refused("CALLER_NOT_PERMITTED"),
    );
  });
});

test("a key's scopes are in the token that it is exchanged for, and those of a patient are refused", async () => {
  const { installation, own } = await createTwo();
  const { credentials } = installation.as(operator);
  const create = (scopes: string[]) =>
    credentials.createApiKey({ requestId: requestId(), application: own.application.id, scopes });
  const { apiKey } = await create(["system/Observation.rs"]);
  const { token } = await installation.exchange("gateway")({ credential: { case: "apiKey", value: apiKey } });
  expect(decodeJwt(token)).toMatchObject({ scopes: ["system/Observation.rs"] });
  const again = await installation.exchange("records")({
    credential: { case: "internalToken", value: token },
  });
  expect(decodeJwt(again.token)).toMatchObject({ scopes: ["system/Observation.rs"] });
  for (const scope of ["patient/Observation.rs", "openid", "system/Observation.x"]) {
    await expect(create([scope])).rejects.toSatisfy(
      problem(Code.InvalidArgument, "INVALID_FIELD", "scopes[0]"),
    );
  }
});
