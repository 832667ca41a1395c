import { createClient } from "@connectrpc/connect";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import type { Role } from "@wellapi/rpc";
import { expect, test } from "vitest";
import { openInstallation } from "./installation.ts";
import { wanted } from "./messages.ts";

test("a clinician sees the consents of the own organization, and no other role and no other organization does", async () => {
  const installation = await openInstallation();
  const { consent } = await installation.patient().createConsent({ consent: wanted, requestId: "r1" });
  const consents = async (organization: string, role: Role) => {
    const signedIn = { id: "usr_1", roles: [role], assurance: "passkey" } as const;
    const transport = installation.as({ kind: "member", organization, ...signedIn }, "gateway");
    const { consents } = await createClient(ConsentService, transport).listConsents({});
    return consents.map(({ id }) => id);
  };
  expect(await consents(consent!.grantee, "clinician")).toEqual([consent!.id]);
  expect(await consents("org_other", "clinician")).toEqual([]);
  await expect(consents(consent!.grantee, "owner")).rejects.toMatchObject({
    message: expect.stringContaining("role"),
  });
});
