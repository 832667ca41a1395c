import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Application_State, Organization_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

async function openOrganizations() {
  const calls: unknown[] = [];
  const createTime = timestampFromMs(Date.UTC(2026, 3, 12, 8));
  const organization = (state: Organization_State, id = "org_1") => ({
    organization: {
      id,
      displayName: "Pulse",
      state,
      createTime,
      ...(id === "org_1" && { verification: { legalName: "Pulse GmbH" } }),
    },
  });
  const application = (state: Application_State, id = "app_1") => ({
    application: { id, displayName: "Sync", state, createTime },
  });
  const env = await openGateway(({ service }) =>
    service(OrganizationService, {
      createOrganization({ organization: asked, requestId }) {
        calls.push(["create", asked?.displayName, requestId]);
        return organization(Organization_State.ACTIVE);
      },
      listOrganizations({ pageToken, showDeleted }) {
        calls.push(["list", pageToken, showDeleted]);
        return {
          organizations: [organization(Organization_State.ACTIVE, `org_${pageToken || "0"}`).organization],
          nextPageToken: pageToken === "" ? "1" : "",
        };
      },
      updateOrganization({ organization: asked }) {
        calls.push(["update", asked?.id, asked?.displayName]);
        return organization(Organization_State.ACTIVE);
      },
      getOrganization: () => organization(Organization_State.ACTIVE),
      disableOrganization: () => organization(Organization_State.DISABLED),
      enableOrganization: () => organization(Organization_State.ACTIVE),
      deleteOrganization: () => organization(Organization_State.DELETED),
      verifyOrganization({ organization: id, legalName, domain, agreements, etag }) {
        calls.push(["verify", id, legalName, domain, agreements, etag]);
        return organization(Organization_State.ACTIVE);
      },
      unverifyOrganization({ organization: id }) {
        calls.push(["unverify", id]);
        return organization(Organization_State.ACTIVE, "org_2");
      },
      createApplication({ application: asked, requestId }) {
        calls.push(["create", asked?.organization, asked?.displayName, requestId]);
        return application(Application_State.ACTIVE);
      },
      listApplications({ organization: of, showDeleted }) {
        calls.push(["list", of, showDeleted]);
        return { applications: [application(Application_State.DISABLED).application] };
      },
      updateApplication({ application: asked }) {
        calls.push(["update", asked?.id, asked?.displayName]);
        return application(Application_State.ACTIVE);
      },
      getApplication: () => application(Application_State.ACTIVE),
      disableApplication: () => application(Application_State.DISABLED),
      enableApplication: () => application(Application_State.ACTIVE),
      deleteApplication: () => application(Application_State.DELETED),
    }),
  );
  return { env, calls };
}

test("creates an organization, and prints its id alone", async () => {
  const { env, calls } = await openOrganizations();
  const created = await wellapi(["organization", "create", "Pulse", "--request-id", "mine-1"], { env });
  expect(created).toEqual({ code: 0, out: "org_1", err: "" });
  expect(calls).toEqual([["create", "Pulse", "mine-1"]]);
});

test("lists organizations over all pages, deleted ones when asked", async () => {
  const { env, calls } = await openOrganizations();
  const { out } = await wellapi(["organization", "list", "--deleted"], { env });
  expect(out).toMatch(
    /org_0 .* Pulse .* active .* 2026-04-12T08:00:00.000Z[\s\S]*org_1 .* active .* Pulse GmbH /,
  );
  expect(calls).toEqual([
    ["list", "", true],
    ["list", "1", true],
  ]);
});

test.each([
  ["organization", "org_1", "Pulse"],
  ["application", "app_1", "Sync"],
])("shows, disables, enables and deletes an %s", async (kind, id, name) => {
  const { env } = await openOrganizations();
  for (const [command, state] of [
    ["get", "active"],
    ["disable", "disabled"],
    ["enable", "active"],
    ["delete", "deleted"],
  ] as const) {
    const { out } = await wellapi([kind, command, id], { env });
    expect(out, command).toBe(`${id}  ${name}  ${state}  2026-04-12T08:00:00.000Z`);
  }
});

test.each([
  ["organization", "org_1"],
  ["application", "app_1"],
])("changes the name of an %s", async (kind, id) => {
  const { env, calls } = await openOrganizations();
  expect((await wellapi([kind, "update", id, "--name", "Other"], { env })).code).toBe(0);
  expect(calls).toEqual([["update", id, "Other"]]);
  expect((await wellapi([kind, "update", id], { env })).err).toContain("--name");
});

test("creates and lists the applications of an organization", async () => {
  const { env, calls } = await openOrganizations();
  const create = ["application", "create", "Sync", "--organization", "org_1", "--request-id", "mine-1"];
  expect((await wellapi(create, { env })).out).toBe("app_1");
  const { out } = await wellapi(["application", "list", "--organization", "org_1"], { env });
  expect(out).toMatch(/app_1 .* Sync .* disabled/);
  expect(calls).toEqual([
    ["create", "org_1", "Sync", "mine-1"],
    ["list", "org_1", false],
  ]);
});

test("the privacy officer verifies an organization, and takes it back", async () => {
  const { env, calls } = await openOrganizations();
  const verify = [
    "organization",
    "verify",
    "org_1",
    "--legal-name",
    "Pulse GmbH",
    "--domain",
    "pulse.example",
  ];
  expect((await wellapi([...verify, "--agreement", "dpa", "baa"], { env })).out).toBe(
    "org_1  Pulse GmbH  verified",
  );
  expect((await wellapi(["organization", "unverify", "org_2"], { env })).out).toBe(
    "org_2  Pulse  UNVERIFIED",
  );
  expect(calls).toEqual([
    ["verify", "org_1", "Pulse GmbH", "pulse.example", ["dpa", "baa"], ""],
    ["unverify", "org_2"],
  ]);
  expect((await wellapi(verify, { env })).err).toContain("--agreement");
});
