import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { createApplication, createInstallation, operator } from "./installation.ts";
import { createOwned, member } from "./members.ts";
import { problem } from "./problem.ts";

test("a developer runs the own organization's applications, and finds no other's", async () => {
  const installation = await createInstallation();
  const { application: foreign } = await createApplication(installation);
  const organization = await createOwned(installation);
  const { organizations } = installation.as(member("usr_dev", organization, "developer"));

  const created = await organizations.createApplication({
    application: { organization, displayName: "Ward tablet" },
    requestId: "tablet",
  });
  const { id } = created.application!;
  await organizations.updateApplication({ application: { id, displayName: "Ward tablets" } });
  await organizations.disableApplication({ application: id });
  await organizations.enableApplication({ application: id });
  const { applications } = await organizations.listApplications({ organization });
  expect(applications.map(({ displayName }) => displayName)).toEqual(["Ward tablets"]);

  const none = problem(Code.NotFound, "NOT_FOUND");
  const theirs = { application: foreign.id };
  await expect(organizations.getApplication(theirs)).rejects.toSatisfy(none);
  await expect(organizations.disableApplication(theirs)).rejects.toSatisfy(none);
  await expect(organizations.enableApplication(theirs)).rejects.toSatisfy(none);
  const renamed = { application: { id: foreign.id, displayName: "Ours" } };
  await expect(organizations.updateApplication(renamed)).rejects.toSatisfy(none);
  const strong = member("usr_dev", organization, "developer");
  const fresh = { ...strong, principal: { ...strong.principal, assurance: "fresh" as const } };
  await expect(installation.as(fresh).organizations.deleteApplication(theirs)).rejects.toSatisfy(none);
  await installation.as(fresh).organizations.deleteApplication({ application: id });

  const another = problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED");
  const listed = organizations.listApplications({ organization: foreign.organization });
  await expect(listed).rejects.toSatisfy(another);
  const planted = { organization: foreign.organization, displayName: "Spy" };
  await expect(organizations.createApplication({ application: planted, requestId: "spy" })).rejects.toSatisfy(
    another,
  );
});

test("an owner renames the own organization alone, and sees its own limits alone", async () => {
  const installation = await createInstallation();
  const organization = await createOwned(installation);
  const other = await createOwned(installation, "Other");
  const owner = installation.as(member("usr_owner", organization, "owner"));
  const { organization: renamed } = await owner.organizations.updateOrganization({
    organization: { id: organization, displayName: "Heart Clinic West" },
  });
  expect(renamed?.displayName).toBe("Heart Clinic West");
  const another = problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED");
  const theirs = { organization: { id: other, displayName: "Mine" } };
  await expect(owner.organizations.updateOrganization(theirs)).rejects.toSatisfy(another);
  expect((await owner.limits.getLimits({ organization })).limits).toBeDefined();
  await expect(owner.limits.getLimits({ organization: other })).rejects.toSatisfy(another);
  await expect(owner.limits.getLimits({})).rejects.toSatisfy(another);
  await expect(owner.organizations.disableOrganization({ organization })).rejects.toSatisfy(
    problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"),
  );
  const { organizations } = installation.as(operator);
  expect((await organizations.getOrganization({ organization: other })).organization?.displayName).toBe(
    "Other",
  );
});
