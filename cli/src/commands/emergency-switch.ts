import { createClient } from "@connectrpc/connect";
import { OrganizationSchema } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import type { Command } from "commander";
import { connect } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

export function addEmergencySwitch(group: Command, io: Io): void {
  addConnectionOptions(group.command("emergency <id> <state>"), io)
    .description(
      "let the clinicians of a verified organization open emergency access: on (the privacy officer) or off",
    )
    .addHelpText("after", "\nExample: wellapi login --as staff && wellapi organization emergency org_... on")
    .action(async (organization: string, state: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      if (state !== "on" && state !== "off") throw new CliError("usage", "say on or off");
      const client = createClient(OrganizationService, await connect(settings));
      const { organization: now } = await (state === "on"
        ? client.enableEmergencyAccess({ organization })
        : client.disableEmergencyAccess({ organization }));
      if (now === undefined) return;
      const { emergencyAccessTime: since } = now;
      createOutput(io, settings.json).message(OrganizationSchema, now, () =>
        since === undefined
          ? `${organization}: no emergency access`
          : `${organization}: emergency access since ${timeText(since)}`,
      );
    });
}
