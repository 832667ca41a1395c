import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { createApplication, createInstallation, createPatient, operator } from "./installation.ts";
import { problem } from "./problem.ts";

test("a creation that is sent again gives the same, and with other content is refused", async () => {
  const installation = await createInstallation();
  const create = (displayName: string, requestId: string) =>
    installation.as(operator).organizations.createOrganization({ organization: { displayName }, requestId });

  const [first, repeated] = await Promise.all([create("Pulse", "r1"), create("Pulse", "r1")]);
  expect(repeated).toEqual(first);
  await installation.reopen();
  expect(await create("Pulse", "r1")).toEqual(first);
  expect((await create("Pulse", "r2")).organization!.id).not.toBe(first.organization!.id);
  await expect(create("Other", "r1")).rejects.toSatisfy(problem(Code.AlreadyExists, "REQUEST_ID_REUSED"));
});

test("another operator's request_id is another request", async () => {
  const installation = await createInstallation();
  const other = { ...operator, principal: { ...operator.principal, id: "opr_2" } };
  const request = { organization: { displayName: "Pulse" }, requestId: "r1" };
  const first = await installation.as(operator).organizations.createOrganization(request);
  const second = await installation.as(other).organizations.createOrganization(request);
  expect(second.organization!.id).not.toBe(first.organization!.id);
});

test("an application belongs to an organization that exists", async () => {
  const installation = await createInstallation();
  const { organizations } = installation.as(operator);
  const { organization, application } = await createApplication(installation);
  expect(application).toMatchObject({ organization: organization.id, displayName: "Sync" });
  expect((await organizations.getApplication({ application: application.id })).application).toEqual(
    application,
  );

  const orphan = { application: { organization: "org_none", displayName: "Sync" }, requestId: "r2" };
  await expect(organizations.createApplication(orphan)).rejects.toSatisfy(
    problem(Code.NotFound, "NOT_FOUND"),
  );
  const moved = { application: { ...orphan.application, displayName: "Other" }, requestId: "application" };
  moved.application.organization = organization.id;
  await expect(organizations.createApplication(moved)).rejects.toSatisfy(
    problem(Code.AlreadyExists, "REQUEST_ID_REUSED"),
  );
});

test("lists come in pages whose tokens are the list's and the caller's own", async () => {
  const installation = await createInstallation();
  const { organizations } = installation.as(operator);
  const created: string[] = [];
  for (let i = 0; i < 5; i++) {
    const request = { organization: { displayName: `Organization ${i}` }, requestId: `r${i}` };
    created.push((await organizations.createOrganization(request)).organization!.id);
  }

  const listed: string[] = [];
  let pageToken = "";
  do {
    const page = await organizations.listOrganizations({ pageSize: 2, pageToken });
    expect(page.organizations.length).toBeLessThanOrEqual(2);
    listed.push(...page.organizations.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(listed).toEqual(created.sort());

  const { nextPageToken } = await organizations.listOrganizations({ pageSize: 2 });
  const refused = problem(Code.InvalidArgument, "INVALID_PAGE_TOKEN");
  const { caller } = await createPatient(installation);
  const stranger = installation.as(caller).organizations;
  await expect(stranger.listOrganizations({ pageToken: nextPageToken })).rejects.toSatisfy(refused);
  await expect(organizations.listOrganizations({ pageToken: `${nextPageToken}A` })).rejects.toSatisfy(
    refused,
  );
  const other = organizations.listApplications({ organization: created[0]!, pageToken: nextPageToken });
  await expect(other).rejects.toSatisfy(refused);
});

test("a patient may look an organization up, but not its applications", async () => {
  const installation = await createInstallation();
  const { organization, application } = await createApplication(installation);
  const { caller } = await createPatient(installation);
  const { organizations } = installation.as(caller);
  const got = await organizations.getOrganization({ organization: organization.id });
  expect(got.organization).toEqual(organization);
  await expect(organizations.getApplication({ application: application.id })).rejects.toMatchObject({
    code: Code.PermissionDenied,
  });
});

test("several organizations are got together, in the order asked for; all of them or none", async () => {
  const installation = await createInstallation();
  const { organizations } = installation.as(operator);
  const made: string[] = [];
  for (const displayName of ["Pulse", "Sleep", "Steps"]) {
    const created = await organizations.createOrganization({
      organization: { displayName },
      requestId: displayName,
    });
    made.unshift(created.organization!.id);
  }
  const { caller } = await createPatient(installation);
  const reader = installation.as(caller).organizations;
  const got = await reader.batchGetOrganizations({ organizations: made });
  expect(got.organizations.map(({ id, displayName }) => [id, displayName])).toEqual([
    [made[0], "Steps"],
    [made[1], "Sleep"],
    [made[2], "Pulse"],
  ]);
  await expect(reader.batchGetOrganizations({ organizations: [...made, "org_none"] })).rejects.toSatisfy(
    problem(Code.NotFound, "NOT_FOUND"),
  );
});
