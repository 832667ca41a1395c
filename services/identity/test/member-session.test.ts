import { Code } from "@connectrpc/connect";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { expect, test } from "vitest";
import { createInstallation, operator } from "./installation.ts";
import { codeTo, createOwned } from "./members.ts";
import { accountOf, callerOf, register } from "./people.ts";
import { problem } from "./problem.ts";

const denied = problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED");

test("a signed-in person acts as a member with the roles of now, and not a call longer than they are one", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const other = await createOwned(installation, "Other");
  const { signedIn } = await register(installation, "dev@clinic.example", { withoutPatient: true });
  await expect(callerOf(installation, signedIn, organization)).rejects.toSatisfy(denied);

  const { members } = installation.as(operator);
  const email = "dev@clinic.example";
  const request = { organization, email, roles: [Role.DEVELOPER], requestId: "dev" };
  await members.inviteMember(request);
  const self = await callerOf(installation, signedIn);
  await installation.as(self).members.acceptInvitation({ code: codeTo(installation, email) });

  const caller = await callerOf(installation, signedIn, organization);
  const account = self.principal.id;
  expect(caller.principal).toMatchObject({ kind: "member", id: account, organization, roles: ["developer"] });
  await installation.as(caller).organizations.createApplication({
    application: { organization, displayName: "Tablet" },
    requestId: "t",
  });
  await expect(callerOf(installation, signedIn, other)).rejects.toSatisfy(denied);
  await expect(callerOf(installation, signedIn, "staff")).rejects.toSatisfy(denied);
  const { options } = await (await accountOf(installation, signedIn)).listActingOptions({});
  expect(options.map(({ actingAs }) => actingAs)).toContain(organization);

  await members.updateMember({ member: { organization, account, roles: [Role.AUDITOR] } });
  expect((await callerOf(installation, signedIn, organization)).principal.roles).toEqual(["auditor"]);

  await members.removeMember({ organization, account });
  await expect(callerOf(installation, signedIn, organization)).rejects.toSatisfy(denied);
  // A stream's token of before is looked at again.
  const again = { credential: { case: "internalToken", value: caller.token } } as const;
  await expect(installation.exchange("gateway")(again)).rejects.toMatchObject({
    code: Code.PermissionDenied,
  });
});
