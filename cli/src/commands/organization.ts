import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { ApplicationSchema, OrganizationSchema } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import type { Command } from "commander";
import { connect } from "../connection.ts";
import { createOutput, timeText } from "../output.ts";
import { pages } from "../pages.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

export function addOrganization(program: Command): void {
  const group = program.command("organization").description("companies and clinics");
  addConnectionOptions(group.command("create <name>"))
    .description("create an organization")
    .option("--request-id <id>", "sending it again gives the same organization")
    .addHelpText("after", '\nExample: wellapi organization create "Pulse Wearables"')
    .action(async (name: string, options: { requestId?: string }, command: Command) => {
      const settings = settingsOf(command);
      const client = createClient(OrganizationService, await connect(settings));
      const { organization } = await client.createOrganization({
        organization: { displayName: name },
        requestId: options.requestId ?? randomUUID(),
      });
      if (organization)
        createOutput(settings.json).message(OrganizationSchema, organization, () => organization.id);
    });
  addConnectionOptions(group.command("list"))
    .description("list organizations")
    .addHelpText("after", "\nExample: wellapi organization list --json | jq .id")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command);
      const client = createClient(OrganizationService, await connect(settings));
      const organizations = await pages(async (pageToken) => {
        const page = await client.listOrganizations({ pageToken });
        return { items: page.organizations, nextPageToken: page.nextPageToken };
      });
      createOutput(settings.json).rows(
        OrganizationSchema,
        organizations,
        ["organization", "name", "created"],
        (o) => [o.id, o.displayName, timeText(o.createTime)],
      );
    });
}

export function addApplication(program: Command): void {
  const group = program.command("application").description("programs of an organization");
  addConnectionOptions(group.command("create <name>"))
    .description("create an application")
    .requiredOption("--organization <id>", "its organization")
    .option("--request-id <id>", "sending it again gives the same application")
    .addHelpText("after", '\nExample: wellapi application create "Sync" --organization org_...')
    .action(async (name: string, options: { organization: string; requestId?: string }, command: Command) => {
      const settings = settingsOf(command);
      const client = createClient(OrganizationService, await connect(settings));
      const { application } = await client.createApplication({
        application: { organization: options.organization, displayName: name },
        requestId: options.requestId ?? randomUUID(),
      });
      if (application)
        createOutput(settings.json).message(ApplicationSchema, application, () => application.id);
    });
  addConnectionOptions(group.command("list"))
    .description("list an organization's applications")
    .requiredOption("--organization <id>", "the organization")
    .addHelpText("after", "\nExample: wellapi application list --organization org_...")
    .action(async (options: { organization: string }, command: Command) => {
      const settings = settingsOf(command);
      const client = createClient(OrganizationService, await connect(settings));
      const applications = await pages(async (pageToken) => {
        const page = await client.listApplications({ organization: options.organization, pageToken });
        return { items: page.applications, nextPageToken: page.nextPageToken };
      });
      createOutput(settings.json).rows(
        ApplicationSchema,
        applications,
        ["application", "name", "created"],
        (a) => [a.id, a.displayName, timeText(a.createTime)],
      );
    });
}
