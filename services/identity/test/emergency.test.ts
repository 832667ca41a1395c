import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { Caller } from "@wellapi/rpc";
import { expect, test, vi } from "vitest";
import { createInstallation, type Installation, operator } from "./installation.ts";
import { codeTo, createOwned, member, person, staff } from "./members.ts";
import { callerOf, register } from "./people.ts";
import { problem } from "./problem.ts";

const officer = staff("usr_officer", "privacy_officer");
const consent: Caller = { principal: { kind: "service", id: "consent" }, workload: "consent", token: "" };
const confirmed = { legalName: "Herzklinik Nord GmbH", domain: "clinic.example", agreements: ["DPA 2026"] };

const isEnabled = async (installation: Installation, organization: string) =>
  (await installation.as(consent).emergencies.getEmergencyStanding({ organization })).enabled;

/** A verified organization whose clinicians may open emergency access. */
async function openEnabled() {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const { organizations } = installation.as(officer);
  await organizations.verifyOrganization({ organization, ...confirmed });
  await organizations.enableEmergencyAccess({ organization });
  return { installation, organization };
}

test("the privacy officer switches emergency access on, by a fresh sign-in, for a verified organization alone", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const { organizations } = installation.as(officer);
  await expect(organizations.enableEmergencyAccess({ organization })).rejects.toSatisfy(
    problem(Code.FailedPrecondition, "ORGANIZATION_UNVERIFIED"),
  );
  await organizations.verifyOrganization({ organization, ...confirmed });
  expect(await isEnabled(installation, organization)).toBe(false);
  const role = problem(Code.PermissionDenied, "ROLE_REQUIRED");
  await expect(
    installation.as(operator).organizations.enableEmergencyAccess({ organization }),
  ).rejects.toSatisfy(role);
  const stale = { ...officer, principal: { ...officer.principal, assurance: "passkey" as const } };
  await expect(
    installation.as(stale).organizations.enableEmergencyAccess({ organization }),
  ).rejects.toSatisfy(problem(Code.PermissionDenied, "ASSURANCE_REQUIRED"));
  const { organization: on } = await organizations.enableEmergencyAccess({ organization });
  expect(on?.emergencyAccessTime).toBeDefined();
  expect((await organizations.enableEmergencyAccess({ organization })).organization).toEqual(on);
  expect(await isEnabled(installation, organization)).toBe(true);
  expect(await isEnabled(installation, "org_nobody")).toBe(false);
});

test("the owner switches it off, their own alone; so do the end of the verification and a disabled organization", async () => {
  const { installation, organization } = await openEnabled();
  const { organizations } = installation.as(officer);
  const owner = installation.as(member("usr_owner", organization, "owner"));
  await expect(owner.organizations.disableEmergencyAccess({ organization: "org_other" })).rejects.toSatisfy(
    problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"),
  );
  await owner.organizations.disableEmergencyAccess({ organization });
  expect(await isEnabled(installation, organization)).toBe(false);

  await organizations.enableEmergencyAccess({ organization });
  await organizations.unverifyOrganization({ organization });
  await organizations.verifyOrganization({ organization, ...confirmed });
  expect(await isEnabled(installation, organization)).toBe(false);

  await organizations.enableEmergencyAccess({ organization });
  await installation.as(operator).organizations.disableOrganization({ organization });
  expect(await isEnabled(installation, organization)).toBe(false);
});

test("a restore does not switch it on again", async () => {
  const { installation, organization } = await openEnabled();
  const restore = await installation.backup();
  await installation.as(officer).organizations.disableEmergencyAccess({ organization });
  await restore();
  expect(await isEnabled(installation, organization)).toBe(false);
});

test("the patient and the privacy officers are told by mail, of the organization and of nothing else, also once the mail server is back", async () => {
  const { installation, organization } = await openEnabled();
  const { mailbox } = installation;
  const { signedIn } = await register(installation, "ada@example.com");
  const { partition = "" } = (await callerOf(installation, signedIn, "")).principal;
  const request = { email: "officer@example.com", roles: [Role.PRIVACY_OFFICER], requestId: "officer" };
  await installation.as(operator).staff.inviteStaff(request);
  const code = codeTo(installation, "officer@example.com");
  await installation.as(person("usr_officer")).members.acceptInvitation({ code });

  mailbox.mails.length = 0;
  mailbox.fails = true;
  const opened = {
    partition,
    organization,
    emergencyAccess: "emg_1",
    createTime: timestampFromMs(installation.clock.time),
  };
  await installation.as(consent).emergencies.tellEmergencyAccess(opened);
  installation.clock.time += 600_001;
  mailbox.fails = false;
  await installation.reopen();
  await vi.waitFor(() => expect(mailbox.mails).toHaveLength(2), 10_000);
  const text = (to: string) => mailbox.mails.find((mail) => mail.to === to)?.text;
  expect(text("ada@example.com")).toContain("https://wellapi.example/account/emergency");
  expect(text("ada@example.com")).toContain("Herzklinik Nord GmbH");
  expect(text("officer@example.com")).toContain("emg_1");
  expect(text("officer@example.com")).toContain("https://wellapi.example/office/emergencies");
  for (const { text: said } of mailbox.mails) {
    expect(said).not.toContain("Ada");
    expect(said).not.toMatch(/pat_|usr_/);
  }
});
