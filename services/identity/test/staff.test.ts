import { Code } from "@connectrpc/connect";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { expect, test } from "vitest";
import { createInstallation, type Installation, operator } from "./installation.ts";
import { codeTo, person, staff } from "./members.ts";
import { problem } from "./problem.ts";

const invalid = problem(Code.NotFound, "INVITATION_INVALID");
const last = problem(Code.FailedPrecondition, "LAST_OPERATOR");

/** The code in the link that this start made. */
function codeOf({ service }: Installation): string {
  return new URL(service.firstOperatorLink?.() ?? "none:").hash.slice(1);
}

const accept = (installation: Installation, account: string, code: string) =>
  installation.as(person(account)).members.acceptInvitation({ code });

/** The staff with its first operator, `usr_boss`. */
async function createStaff() {
  const installation = await createInstallation();
  await accept(installation, "usr_boss", codeOf(installation));
  return { installation, boss: installation.as(staff("usr_boss", "operator")).staff };
}

test("the first start makes one link, which makes one operator; later starts make none", async () => {
  const installation = await createInstallation();
  expect(installation.service.firstOperatorLink?.()).toMatch(/^https:\/\/wellapi\.example\/invitations#/);
  const first = codeOf(installation);
  await installation.reopen();
  const second = codeOf(installation);
  expect(second).not.toBe(first);

  const tries = await Promise.allSettled([
    accept(installation, "usr_1", second),
    accept(installation, "usr_2", second),
  ]);
  expect(tries.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  // The link of the start before was seen by somebody, too.
  await expect(accept(installation, "usr_3", first)).rejects.toSatisfy(invalid);
  const { staff: all } = await installation.as(operator).staff.listStaff({});
  expect(all.map(({ roles }) => roles)).toEqual([[Role.OPERATOR]]);
  await installation.reopen();
  expect(installation.service.firstOperatorLink).toBeUndefined();
});

test("a link of a first start ends after a day", async () => {
  const installation = await createInstallation();
  installation.clock.time += 86_400_000;
  await expect(accept(installation, "usr_1", codeOf(installation))).rejects.toSatisfy(invalid);
});

test("with an operator on the staff the last key may end, and a start makes no other", async () => {
  const installation = await createInstallation();
  const { credentials } = installation.as(operator);
  const key = (await credentials.listOperatorKeys({})).credentials[0]!;
  await expect(credentials.revokeCredential({ credential: key.id })).rejects.toSatisfy(last);
  await accept(installation, "usr_boss", codeOf(installation));
  await credentials.revokeCredential({ credential: key.id });
  await installation.reopen();
  expect(installation.service.firstOperatorKey).toBeUndefined();
});

test("in production the key of a first start is good for a day", async () => {
  const installation = await createInstallation({ WELLAPI_PROFILE: "production" });
  const { createTime, expireTime } = (await installation.as(operator).credentials.listOperatorKeys({}))
    .credentials[0]!;
  expect(Number(expireTime!.seconds - createTime!.seconds)).toBe(86_400);
});

test("operators invite into the staff, change roles and remove; the last operator stays", async () => {
  const { installation, boss } = await createStaff();
  await boss.inviteStaff({
    email: "officer@exchange.example",
    roles: [Role.PRIVACY_OFFICER],
    language: "de",
    requestId: "officer",
  });
  await accept(installation, "usr_officer", codeTo(installation, "officer@exchange.example"));
  await boss.updateStaff({ staffMember: { account: "usr_officer", roles: [Role.SUPPORT, Role.OPERATOR] } });
  const { staff: all } = await boss.listStaff({});
  expect(all.map(({ account, roles }) => [account, roles])).toEqual([
    ["usr_boss", [Role.OPERATOR]],
    ["usr_officer", [Role.OPERATOR, Role.SUPPORT]],
  ]);

  const both = await Promise.allSettled([
    boss.removeStaff({ account: "usr_officer" }),
    boss.removeStaff({ account: "usr_boss" }),
  ]);
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  const refused = both.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  expect(refused[0]).toSatisfy(last);
});

test("nobody but an operator changes the staff, and no member's role is one of the staff's", async () => {
  const { installation, boss } = await createStaff();
  const asked = { email: "a@b.example", roles: [Role.OPERATOR], requestId: "r" };
  for (const role of ["privacy_officer", "staff_auditor", "support"] as const) {
    const { staff: theirs } = installation.as(staff("usr_x", role));
    await expect(theirs.inviteStaff(asked)).rejects.toSatisfy(
      problem(Code.PermissionDenied, "ROLE_REQUIRED"),
    );
  }
  await expect(boss.inviteStaff({ ...asked, roles: [Role.OWNER] })).rejects.toSatisfy(
    problem(Code.InvalidArgument, "INVALID_FIELD"),
  );
  await expect(boss.inviteStaff({ ...asked, email: "a@b.example\nBcc: c@d.example" })).rejects.toSatisfy(
    problem(Code.InvalidArgument, "INVALID_FIELD"),
  );
  const stale = staff("usr_boss", "operator");
  const byCode = { ...stale, principal: { ...stale.principal, assurance: "code" as const } };
  await expect(installation.as(byCode).staff.inviteStaff(asked)).rejects.toSatisfy(
    problem(Code.PermissionDenied, "ASSURANCE_REQUIRED"),
  );
});
