import { Code } from "@connectrpc/connect";
import { Invitation_State } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { expect, test } from "vitest";
import { createInstallation, operator } from "./installation.ts";
import { codeTo, createOwned, join, member, person } from "./members.ts";
import { problem } from "./problem.ts";

const invalid = problem(Code.NotFound, "INVITATION_INVALID");

test("an operator invites the first owner, who invites a developer, and both are members", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const owner = installation.as(member("usr_owner", organization, "owner"));
  const { invitation } = await owner.members.inviteMember({
    organization,
    email: "Dev@Clinic.example",
    roles: [Role.DEVELOPER],
    requestId: "dev",
  });
  expect(invitation).toMatchObject({ inviter: "usr_owner", state: Invitation_State.PENDING });

  const code = codeTo(installation, "dev@clinic.example");
  const offered = await installation.as(person("usr_dev")).members.getInvitation({ code });
  expect(offered).toMatchObject({ organization, organizationName: "Heart Clinic", roles: [Role.DEVELOPER] });
  const accepted = await installation.as(person("usr_dev")).members.acceptInvitation({ code });
  expect(accepted).toMatchObject({ organization, roles: [Role.DEVELOPER] });

  const { members } = await owner.members.listMembers({ organization });
  expect(members.map(({ account, roles, email }) => ({ account, roles, email }))).toEqual([
    { account: "usr_dev", roles: [Role.DEVELOPER], email: "dev@clinic.example" },
    { account: "usr_owner", roles: [Role.OWNER], email: "usr_owner@clinic.example" },
  ]);
});

test("a code works once, also where two people use it at once", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const request = { organization, email: "a@b.example", roles: [Role.CLINICIAN], requestId: "r" };
  await installation.as(operator).members.inviteMember(request);
  const code = codeTo(installation, "a@b.example");
  const tries = await Promise.allSettled(
    ["usr_1", "usr_2", "usr_3"].map((id) => installation.as(person(id)).members.acceptInvitation({ code })),
  );
  expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  const refused = tries.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  for (const reason of refused) expect(reason).toSatisfy(invalid);
  const { members } = await installation.as(operator).members.listMembers({ organization });
  expect(members).toHaveLength(2);
});

test("a code that was taken back, replaced, is too old, or of an inviter who was removed is refused alike", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const { members } = installation.as(operator);
  const invite = (requestId: string, email = "a@b.example") =>
    members.inviteMember({ organization, email, roles: [Role.CLINICIAN], requestId });
  const accept = (code: string) => installation.as(person("usr_1")).members.acceptInvitation({ code });

  await invite("first");
  const first = codeTo(installation, "a@b.example");
  const { invitation } = await invite("second");
  await expect(accept(first)).rejects.toSatisfy(invalid);
  const second = codeTo(installation, "a@b.example");
  const { invitation: ended } = await members.revokeInvitation({ organization, invitation: invitation!.id });
  expect(ended?.state).toBe(Invitation_State.REVOKED);
  await expect(accept(second)).rejects.toSatisfy(invalid);

  await invite("third");
  installation.clock.time += 7 * 86_400_000;
  await expect(accept(codeTo(installation, "a@b.example"))).rejects.toSatisfy(invalid);

  await join(installation, organization, "usr_admin", Role.ADMINISTRATOR);
  const administrator = installation.as(member("usr_admin", organization, "administrator"));
  await administrator.members.inviteMember({
    organization,
    email: "friend@b.example",
    roles: [Role.ADMINISTRATOR],
    requestId: "friend",
  });
  await members.removeMember({ organization, account: "usr_admin" });
  await expect(accept(codeTo(installation, "friend@b.example"))).rejects.toSatisfy(invalid);
  await expect(accept("wellapi_inv_guess")).rejects.toSatisfy(invalid);
});

test("the same request sends the mail again with a new code, also after the mail failed", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const { members } = installation.as(operator);
  const request = { organization, email: "a@b.example", roles: [Role.CLINICIAN], requestId: "r" };
  installation.mailbox.fails = true;
  await expect(members.inviteMember(request)).rejects.toSatisfy(
    problem(Code.Unavailable, "MAIL_UNAVAILABLE"),
  );
  installation.mailbox.fails = false;
  const { invitation } = await members.inviteMember(request);
  const first = codeTo(installation, "a@b.example");
  expect((await members.inviteMember(request)).invitation?.id).toBe(invitation?.id);
  const { acceptInvitation } = installation.as(person("usr_1")).members;
  await expect(acceptInvitation({ code: first })).rejects.toSatisfy(invalid);
  await acceptInvitation({ code: codeTo(installation, "a@b.example") });
  await expect(members.inviteMember({ ...request, roles: [Role.OWNER] })).rejects.toSatisfy(
    problem(Code.AlreadyExists, "REQUEST_ID_REUSED"),
  );
});

test("an address gets five mails a day, from all organizations together", async () => {
  const installation = await createInstallation();
  const { members } = installation.as(operator);
  const first = await createOwned(installation, "First");
  const second = await createOwned(installation, "Second");
  const invite = (organization: string, requestId: string, email = "a@b.example") =>
    members.inviteMember({ organization, email, roles: [Role.CLINICIAN], requestId });
  for (let i = 0; i < 5; i++) await invite(i % 2 === 0 ? first : second, `r${i}`);
  const limit = problem(Code.ResourceExhausted, "INVITATION_LIMIT");
  await expect(invite(first, "more", "A@B.example")).rejects.toSatisfy(limit);
  await expect(invite(first, "r4")).rejects.toSatisfy(limit);
  await invite(first, "other", "c@b.example");
  installation.clock.time += 86_400_001;
  await invite(first, "tomorrow");
});

test("an administrator makes no owner and touches none; nobody acts for another organization", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const other = await createOwned(installation, "Other");
  const administrator = installation.as(member("usr_admin", organization, "administrator")).members;
  const role = problem(Code.PermissionDenied, "ROLE_REQUIRED");
  const request = { organization, email: "a@b.example", roles: [Role.OWNER], requestId: "r" };
  await expect(administrator.inviteMember(request)).rejects.toSatisfy(role);
  const owner = { organization, account: "usr_owner" };
  await expect(administrator.removeMember(owner)).rejects.toSatisfy(role);
  const demoted = { member: { ...owner, roles: [Role.DEVELOPER] } };
  await expect(administrator.updateMember(demoted)).rejects.toSatisfy(role);
  const staff = { ...request, roles: [Role.SUPPORT] };
  await expect(administrator.inviteMember(staff)).rejects.toSatisfy(
    problem(Code.InvalidArgument, "INVALID_FIELD"),
  );

  const foreign = problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED");
  const there = installation.as(member("usr_owner", organization, "owner")).members;
  await expect(there.listMembers({ organization: other })).rejects.toSatisfy(foreign);
  await expect(there.inviteMember({ ...request, organization: other })).rejects.toSatisfy(foreign);
  await expect(there.removeMember({ ...owner, organization: other })).rejects.toSatisfy(foreign);
  const theirs = { member: { ...owner, organization: other, roles: [Role.OWNER] } };
  await expect(there.updateMember(theirs)).rejects.toSatisfy(foreign);
});

test("the last owner stays, also where all owners leave at once; anybody else may leave", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  await join(installation, organization, "usr_b", Role.OWNER);
  await join(installation, organization, "usr_c", Role.CLINICIAN);
  const leave = (account: string, ...roles: ("owner" | "clinician")[]) =>
    installation.as(member(account, organization, ...roles)).members.removeMember({ organization, account });
  await leave("usr_c", "clinician");
  const tries = await Promise.allSettled([leave("usr_owner", "owner"), leave("usr_b", "owner")]);
  expect(tries.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  const refused = tries.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  expect(refused[0]).toSatisfy(problem(Code.FailedPrecondition, "LAST_OWNER"));
  const { members } = await installation.as(operator).members.listMembers({ organization });
  expect(members.map(({ roles }) => roles)).toEqual([[Role.OWNER]]);
  const { account } = members[0]!;
  await expect(
    installation
      .as(operator)
      .members.updateMember({ member: { organization, account, roles: [Role.ADMINISTRATOR] } }),
  ).rejects.toSatisfy(problem(Code.FailedPrecondition, "LAST_OWNER"));
});

test("a changed membership tells who believes a credential, and a stale version is refused", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  await join(installation, organization, "usr_b", Role.DEVELOPER);
  const told: string[] = [];
  installation.service.onAccessEnded((id) => told.push(id));
  const { members } = installation.as(operator);
  const before = (await members.listMembers({ organization })).members[0]!;
  const changed = { organization, account: "usr_b", roles: [Role.AUDITOR], etag: before.etag };
  const { member: after } = await members.updateMember({ member: changed });
  expect(after?.roles).toEqual([Role.AUDITOR]);
  expect(told).toEqual(["usr_b"]);
  const stale = { organization, account: "usr_b", etag: before.etag };
  await expect(members.removeMember(stale)).rejects.toSatisfy(problem(Code.Aborted, "STALE_ETAG"));
  await members.removeMember({ ...stale, etag: after!.etag });
  expect(told).toEqual(["usr_b", "usr_b"]);
  await expect(members.removeMember({ organization, account: "usr_b" })).rejects.toSatisfy(
    problem(Code.NotFound, "NOT_FOUND"),
  );
});

test("each change leaves an entry that names who did it; no address lies on the disk in clear", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const owner = installation.as(member("usr_owner", organization, "owner")).members;
  const request = { organization, email: "canary@b.example", roles: [Role.AUDITOR], requestId: "r" };
  await owner.inviteMember(request);
  const code = codeTo(installation, "canary@b.example");
  await installation.as(person("usr_b")).members.acceptInvitation({ code });
  await owner.removeMember({ organization, account: "usr_b" });
  const entries = (await installation.leaves()).map(({ access }) => access);
  const of = (rpc: string) =>
    entries.filter(({ method }) => method === `wellapi.identity.v1.MemberService/${rpc}`);
  expect(of("InviteMember").map(({ actor }) => actor?.id)).toEqual(["opr_1", "usr_owner"]);
  expect(of("AcceptInvitation").map(({ actor }) => actor?.id)).toEqual(["usr_owner", "usr_b"]);
  expect(of("RemoveMember").map(({ organization }) => organization)).toEqual([organization]);
  for (const { name, bytes } of await installation.files()) {
    expect(bytes.includes("canary@b.example"), name).toBe(false);
    expect(bytes.includes(code), name).toBe(false);
  }
});

test("a restore gives nobody a role back, and revives no invitation", { timeout: 60_000 }, async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  await join(installation, organization, "usr_b", Role.ADMINISTRATOR);
  await join(installation, organization, "usr_c", Role.ADMINISTRATOR, Role.CLINICIAN);
  const invite = async (email: string) => {
    const request = { organization, email, roles: [Role.AUDITOR], requestId: email };
    const { invitation } = await installation.as(operator).members.inviteMember(request);
    return { id: invitation!.id, code: codeTo(installation, email) };
  };
  const accepted = await invite("accepted@b.example");
  const revoked = await invite("revoked@b.example");
  const open = await invite("open@b.example");
  const restore = await installation.backup();

  const now = installation.as(operator).members;
  await now.removeMember({ organization, account: "usr_b" });
  await now.updateMember({ member: { organization, account: "usr_c", roles: [Role.CLINICIAN] } });
  await installation.as(person("usr_d")).members.acceptInvitation({ code: accepted.code });
  await now.revokeInvitation({ organization, invitation: revoked.id });
  await restore();

  const after = await installation.as(operator).members.listMembers({ organization });
  const rolesOf = Object.fromEntries(after.members.map(({ account, roles }) => [account, roles]));
  expect(rolesOf).toMatchObject({ usr_owner: [Role.OWNER], usr_c: [Role.CLINICIAN] });
  expect(rolesOf).not.toHaveProperty("usr_b");
  for (const { code } of [accepted, revoked]) {
    await expect(installation.as(person("usr_e")).members.acceptInvitation({ code })).rejects.toSatisfy(
      invalid,
    );
  }
  await installation.as(person("usr_e")).members.acceptInvitation({ code: open.code });
});
