import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { createInstallation, createPatient, type Installation, operator } from "./installation.ts";
import { accountOf, callerOf, register, registerByEmail } from "./people.ts";
import { problem } from "./problem.ts";

async function founderOf(installation: Installation, email = "ada@example.com") {
  const signedIn = await registerByEmail(installation, email);
  const { organizations } = installation.as(await callerOf(installation, signedIn));
  const found = async (displayName: string, requestId = displayName) =>
    (await organizations.createOrganization({ organization: { displayName }, requestId })).organization!;
  const left = async () =>
    (await (await accountOf(installation, signedIn)).listActingOptions({})).organizationsLeft;
  return { signedIn, found, left };
}

const tooMany = problem(Code.FailedPrecondition, "TOO_MANY_ORGANIZATIONS");

test("who signed in by a code creates an organization, and is its owner at once", async () => {
  const installation = await createInstallation();
  const { signedIn, found } = await founderOf(installation);
  const organization = await found("Pulse");
  expect(organization.verification).toBeUndefined();

  const { options, organizationsLeft } = await (await accountOf(installation, signedIn)).listActingOptions(
    {},
  );
  expect(organizationsLeft).toBe(4);
  expect(options.find(({ actingAs }) => actingAs === organization.id)).toMatchObject({
    displayName: "Pulse",
    roles: ["owner"],
  });
  const owner = installation.as(await callerOf(installation, signedIn, organization.id));
  const { members } = await owner.members.listMembers({ organization: organization.id });
  expect(members.map(({ account, email }) => [account, email])).toEqual([
    [signedIn.account, "ada@example.com"],
  ]);
  const entries = (await installation.leaves()).filter(({ access }) =>
    access.method.endsWith("/CreateOrganization"),
  );
  expect(entries).toHaveLength(1);
  expect(JSON.stringify(entries[0]!.access.actor)).toContain(signedIn.account);
});

test("a creation that is sent again gives the same organization, also at the limit", async () => {
  const installation = await createInstallation();
  const { found, left } = await founderOf(installation);
  const same = await Promise.all([1, 2, 3].map(() => found("Pulse")));
  expect(new Set(same.map(({ id }) => id)).size).toBe(1);
  expect(await left()).toBe(4);
  await expect(found("Other", "Pulse")).rejects.toSatisfy(problem(Code.AlreadyExists, "REQUEST_ID_REUSED"));
  for (const name of ["b", "c", "d", "e"]) await found(name);
  expect((await found("Pulse")).id).toBe(same[0]!.id);
});

test("an account has five organizations, however many it asks for at once, until one is deleted", async () => {
  const installation = await createInstallation();
  const { found, left } = await founderOf(installation);
  const asked = await Promise.allSettled(Array.from({ length: 8 }, (_, at) => found(`Organization ${at}`)));
  const made = asked.flatMap((one) => (one.status === "fulfilled" ? [one.value.id] : []));
  expect(new Set(made).size).toBe(5);
  for (const one of asked) if (one.status === "rejected") expect(one.reason).toSatisfy(tooMany);
  expect(await left()).toBe(0);

  await installation.as(operator).organizations.deleteOrganization({ organization: made[2]! });
  expect(await left()).toBe(1);
  await found("Once more");
  await expect(found("And more")).rejects.toSatisfy(tooMany);

  const other = await founderOf(installation, "bert@example.com");
  expect(await other.left()).toBe(5);
});

test("where real people's data is, nobody creates an organization by themselves", async () => {
  const installation = await createInstallation({ WELLAPI_PROFILE: "production" });
  const { found, left } = await founderOf(installation);
  expect(await left()).toBe(0);
  await expect(found("Pulse")).rejects.toSatisfy(problem(Code.FailedPrecondition, "SANDBOX_ONLY"));
  const { organizations } = await installation.as(operator).organizations.listOrganizations({});
  expect(organizations).toEqual([]);
});

test("neither a patient nor a member creates one", async () => {
  const installation = await createInstallation();
  const { signedIn } = await register(installation);
  const { caller } = await createPatient(installation);
  const { organization } = await installation
    .as(await callerOf(installation, signedIn))
    .organizations.createOrganization({ organization: { displayName: "Pulse" }, requestId: "r" });
  for (const one of [caller, await callerOf(installation, signedIn, organization!.id)]) {
    const asked = { organization: { displayName: "Second" }, requestId: "s" };
    await expect(installation.as(one).organizations.createOrganization(asked)).rejects.toSatisfy(
      problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"),
    );
  }
});
