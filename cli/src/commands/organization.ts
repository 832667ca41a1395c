import { randomUUID } from "node:crypto";
import { type Client, createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import {
  type Application,
  Application_State,
  ApplicationSchema,
  type Organization,
  Organization_State,
  OrganizationSchema,
} from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import type { Command } from "commander";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";
import { addEmergencySwitch, addUnverify, addVerify } from "./verification.ts";

type Service = Client<typeof OrganizationService>;

const organizationStates: Readonly<Record<Organization_State, string>> = {
  [Organization_State.UNSPECIFIED]: "",
  [Organization_State.ACTIVE]: "active",
  [Organization_State.DISABLED]: "disabled",
  [Organization_State.DELETED]: "deleted",
};
const applicationStates: Readonly<Record<Application_State, string>> = {
  [Application_State.UNSPECIFIED]: "",
  [Application_State.ACTIVE]: "active",
  [Application_State.DISABLED]: "disabled",
  [Application_State.DELETED]: "deleted",
};

export function addOrganization(program: Command, io: Io): void {
  const group = program.command("organization").description("companies and clinics");
  addConnectionOptions(group.command("create <name>"), io)
    .description("create an organization")
    .option("--request-id <id>", "sending it again gives the same organization")
    .addHelpText("after", '\nExample: wellapi organization create "Pulse Wearables"')
    .action(async (name: string, options: { requestId?: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(OrganizationService, await connect(settings));
      const { organization } = await client.createOrganization({
        organization: { displayName: name },
        requestId: options.requestId ?? randomUUID(),
      });
      if (organization)
        createOutput(io, settings.json).message(OrganizationSchema, organization, () => organization.id);
    });
  addConnectionOptions(group.command("list"), io)
    .description("list organizations")
    .option("--deleted", "deleted ones, too", false)
    .addHelpText("after", "\nExample: wellapi organization list --json | jq .id")
    .action(async (options: { deleted: boolean }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(OrganizationService, await connect(settings));
      const organizations = await Array.fromAsync(
        paginate(
          (pageToken) => client.listOrganizations({ pageToken, showDeleted: options.deleted }),
          (page) => page.organizations,
        ),
      );
      createOutput(io, settings.json).rows(
        OrganizationSchema,
        organizations,
        ["organization", "name", "state", "verified as", "created"],
        (o) => [
          o.id,
          o.displayName,
          organizationStates[o.state],
          o.verification?.legalName ?? "",
          timeText(o.createTime),
        ],
      );
    });
  addUpdate(group, io, "organization", showOrganization, async (client, id, displayName) => {
    return (await client.updateOrganization({ organization: { id, displayName } })).organization;
  });
  addOne(group, io, "organization", showOrganization, {
    get: async (client, organization) => (await client.getOrganization({ organization })).organization,
    disable: async (client, organization) =>
      (await client.disableOrganization({ organization })).organization,
    enable: async (client, organization) => (await client.enableOrganization({ organization })).organization,
    delete: async (client, organization) => (await client.deleteOrganization({ organization })).organization,
  });
  addVerify(group, io);
  addUnverify(group, io);
  addEmergencySwitch(group, io);
}

export function addApplication(program: Command, io: Io): void {
  const group = program.command("application").description("programs of an organization");
  addConnectionOptions(group.command("create <name>"), io)
    .description("create an application")
    .requiredOption("--organization <id>", "its organization")
    .option("--request-id <id>", "sending it again gives the same application")
    .addHelpText("after", '\nExample: wellapi application create "Sync" --organization org_...')
    .action(async (name: string, options: { organization: string; requestId?: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(OrganizationService, await connect(settings));
      const { application } = await client.createApplication({
        application: { organization: options.organization, displayName: name },
        requestId: options.requestId ?? randomUUID(),
      });
      if (application)
        createOutput(io, settings.json).message(ApplicationSchema, application, () => application.id);
    });
  addConnectionOptions(group.command("list"), io)
    .description("list an organization's applications")
    .requiredOption("--organization <id>", "the organization")
    .option("--deleted", "deleted ones, too", false)
    .addHelpText("after", "\nExample: wellapi application list --organization org_...")
    .action(async (options: { organization: string; deleted: boolean }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(OrganizationService, await connect(settings));
      const { organization, deleted: showDeleted } = options;
      const applications = await Array.fromAsync(
        paginate(
          (pageToken) => client.listApplications({ organization, pageToken, showDeleted }),
          (page) => page.applications,
        ),
      );
      createOutput(io, settings.json).rows(
        ApplicationSchema,
        applications,
        ["application", "name", "state", "created"],
        (a) => [a.id, a.displayName, applicationStates[a.state], timeText(a.createTime)],
      );
    });
  addUpdate(group, io, "application", showApplication, async (client, id, displayName) => {
    return (await client.updateApplication({ application: { id, displayName } })).application;
  });
  addOne(group, io, "application", showApplication, {
    get: async (client, application) => (await client.getApplication({ application })).application,
    disable: async (client, application) => (await client.disableApplication({ application })).application,
    enable: async (client, application) => (await client.enableApplication({ application })).application,
    delete: async (client, application) => (await client.deleteApplication({ application })).application,
  });
}

type Show<T> = (output: Output, found: T) => void;

const showOrganization: Show<Organization> = (output, found) =>
  output.message(OrganizationSchema, found, () =>
    [found.id, found.displayName, organizationStates[found.state], timeText(found.createTime)].join("  "),
  );

const showApplication: Show<Application> = (output, found) =>
  output.message(ApplicationSchema, found, () =>
    [found.id, found.displayName, applicationStates[found.state], timeText(found.createTime)].join("  "),
  );

const explained = {
  get: { organization: "show one", application: "show one" },
  disable: {
    organization: "refuse its applications until it is enabled again; open streams end within two seconds",
    application: "refuse its credentials until it is enabled again; open streams end within two seconds",
  },
  enable: { organization: "end what disable began", application: "end what disable began" },
  delete: {
    organization: "delete it for ever, once its applications are deleted",
    application: "delete it for ever and revoke its credentials; its data stays",
  },
} as const;

function addOne<T>(
  group: Command,
  io: Io,
  kind: "organization" | "application",
  show: Show<T>,
  calls: Readonly<Record<keyof typeof explained, (client: Service, id: string) => Promise<T | undefined>>>,
): void {
  const example = kind === "organization" ? "org_..." : "app_...";
  for (const name of ["get", "disable", "enable", "delete"] as const) {
    addConnectionOptions(group.command(`${name} <id>`), io)
      .description(explained[name][kind])
      .addHelpText("after", `\nExample: wellapi ${kind} ${name} ${example}`)
      .action(async (id: string, _options: object, command: Command) => {
        const settings = settingsOf(command, io);
        const found = await calls[name](createClient(OrganizationService, await connect(settings)), id);
        if (found) show(createOutput(io, settings.json), found);
      });
  }
}

function addUpdate<T>(
  group: Command,
  io: Io,
  kind: "organization" | "application",
  show: Show<T>,
  update: (client: Service, id: string, displayName: string) => Promise<T | undefined>,
): void {
  const example = kind === "organization" ? "org_..." : "app_...";
  addConnectionOptions(group.command("update <id>"), io)
    .description("change its name")
    .requiredOption("--name <name>", "what people read")
    .addHelpText("after", `\nExample: wellapi ${kind} update ${example} --name "Pulse Wearables AG"`)
    .action(async (id: string, options: { name: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(OrganizationService, await connect(settings));
      const found = await update(client, id, options.name);
      if (found) show(createOutput(io, settings.json), found);
    });
}
