import { createClient } from "@connectrpc/connect";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Role } from "@wellapi/rpc";
import { expect, test } from "vitest";
import { openInstallation, partition, patientId } from "./installation.ts";
import { problem, reading, wanted } from "./messages.ts";

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

test("of a minor's own care, whoever acts in the minor's name sees, gives and takes back no consent", async () => {
  const installation = await openInstallation();
  const categories = [{ name: "heart" }, { name: "mental_health" }];
  const own = { ...wanted, provisions: [{ ...reading, categories, resolution: Resolution.RAW }] };
  const minor = installation.patient();
  const { consent } = await minor.createConsent({ consent: own, requestId: "own" });
  const { consent: other } = await minor.createConsent({ consent: wanted, requestId: "other" });
  const principal = { kind: "patient", id: patientId, partition } as const;
  const as = (more: object) =>
    createClient(ConsentService, installation.as({ ...principal, ...more }, "gateway"));
  const actor = { kind: "guardian", id: "usr_1" };
  const guardian = as({ actor, hides: ["mental_health"] });

  const ids = async (client: typeof guardian) => (await client.listConsents({})).consents.map(({ id }) => id);
  expect(await ids(guardian)).toEqual([other!.id]);
  expect((await ids(as({ actor }))).sort()).toEqual([consent!.id, other!.id].sort());
  const none = await problem(guardian.getConsent({ consent: "con_none" }));
  for (const call of [
    guardian.getConsent({ consent: consent!.id }),
    guardian.revokeConsent({ consent: consent!.id }),
    guardian.listConsentRevisions({ consent: consent!.id }),
  ]) {
    expect(await problem(call)).toEqual(none);
  }
  const given = guardian.createConsent({ consent: { ...own, grantee: "org_maker" }, requestId: "g" });
  expect(await problem(given)).toMatchObject({ reason: "NOT_FOR_REPRESENTATIVES" });
  await guardian.revokeConsent({ consent: other!.id });
  expect(await ids(installation.patient())).toContain(consent!.id);
});
