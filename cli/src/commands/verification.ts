import { createClient } from "@connectrpc/connect";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { type Organization, OrganizationSchema } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { Argument, type Command } from "commander";
import { several } from "../arguments.ts";
import { connect } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

interface VerifyOptions {
  readonly legalName: string;
  readonly domain: string;
  readonly agreement: string[];
  readonly etag?: string;
}

export function addVerify(group: Command, io: Io): void {
  addConnectionOptions(group.command("verify <id>"), io)
    .description("confirm who an organization is; the privacy officer's, within five minutes of signing in")
    .requiredOption("--legal-name <name>", "its name in the register")
    .requiredOption("--domain <domain>", "a domain that it has shown to be its own")
    .requiredOption("--agreement <name...>", "the agreements that it has signed", several(String))
    .option("--etag <etag>", "only if the organization still is at this version")
    .addHelpText(
      "after",
      '\nExample: wellapi login --as staff && wellapi organization verify org_... --legal-name "Herzklinik Nord GmbH" \\\n' +
        "           --domain herzklinik.example --agreement data-processing-2026",
    )
    .action(async (organization: string, options: VerifyOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(OrganizationService, await connect(settings));
      const { legalName, domain, agreement: agreements, etag = "" } = options;
      const verified = await client.verifyOrganization({ organization, legalName, domain, agreements, etag });
      show(createOutput(io, settings.json), verified.organization);
    });
}

export function addUnverify(group: Command, io: Io): void {
  addConnectionOptions(group.command("unverify <id>"), io)
    .description("take that back; in production its applications are refused from then on")
    .addHelpText("after", "\nExample: wellapi organization unverify org_...")
    .action(async (organization: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(OrganizationService, await connect(settings));
      show(
        createOutput(io, settings.json),
        (await client.unverifyOrganization({ organization })).organization,
      );
    });
}

export function addEmergencySwitch(group: Command, io: Io): void {
  addConnectionOptions(group.command("emergency"), io)
    .argument("<id>")
    .addArgument(new Argument("<state>").choices(["on", "off"]))
    .description(
      "let the clinicians of a verified organization open emergency access: on (the privacy officer) or off",
    )
    .option("--end-open", "with off: end those that are open, too (the privacy officer)", false)
    .addHelpText("after", "\nExample: wellapi login --as staff && wellapi organization emergency org_... on")
    .action(async (organization: string, state: string, options: { endOpen: boolean }, command: Command) => {
      const settings = settingsOf(command, io);
      const { endOpen } = options;
      if (endOpen && state === "on") throw new CliError("usage", "--end-open goes with off");
      const connection = await connect(settings);
      const client = createClient(OrganizationService, connection);
      const { organization: now } = await (state === "on"
        ? client.enableEmergencyAccess({ organization })
        : client.disableEmergencyAccess({ organization }));
      if (now === undefined) return;
      const { emergencyAccessTime: since } = now;
      const output = createOutput(io, settings.json);
      // After the switch, so that none is opened in between.
      if (endOpen) {
        const whose = { case: "organization" as const, value: organization };
        const { endedCount } = await createClient(EmergencyService, connection).endOpenEmergencyAccesses({
          whose,
        });
        output.note(`open ones that are ended: ${endedCount}`);
      }
      output.message(OrganizationSchema, now, () =>
        since === undefined
          ? `${organization}: no emergency access`
          : `${organization}: emergency access since ${timeText(since)}`,
      );
    });
}

function show(output: Output, organization: Organization | undefined): void {
  if (organization === undefined) return;
  output.message(OrganizationSchema, organization, () => {
    const { id, displayName, verification } = organization;
    return `${id}  ${verification === undefined ? `${displayName}  UNVERIFIED` : `${verification.legalName}  verified`}`;
  });
}
