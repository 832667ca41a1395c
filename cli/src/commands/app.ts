import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import {
  EndGrantsResponseSchema,
  type Grant,
  Grant_Kind,
  GrantSchema,
  GrantService,
} from "@wellapi/gen/wellapi/identity/v1/grant_service_pb";
import type { Command } from "commander";
import { nameOf } from "../arguments.ts";
import { connect } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, type Settings, settingsOf } from "../settings.ts";

const kinds = {
  connected: Grant_Kind.CONNECT,
  "own app": Grant_Kind.PATIENT_APP,
  "at work": Grant_Kind.USER,
  "sign-in": Grant_Kind.SIGN_IN,
  account: Grant_Kind.ACCOUNT,
  member: Grant_Kind.MEMBER,
  staff: Grant_Kind.STAFF,
} as const;

export function addApp(program: Command, io: Io): void {
  const group = program.command("app").description("applications that you have connected");
  addConnectionOptions(group.command("list"), io)
    .description(
      "list what is connected to your record, or (--as account) where you are signed in as yourself",
    )
    .addHelpText("after", "\nExample: wellapi app list")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(GrantService, await connect(settings));
      createOutput(io, settings.json).rows(
        GrantSchema,
        await grantsOf(client),
        ["grant", "application", "of", "as", "since", "until", "consents"],
        (one) => [
          one.id,
          one.applicationName,
          one.organizationName +
            (one.organizationVerified || one.application === "wellapi-cli" ? "" : " (UNVERIFIED)"),
          nameOf(kinds, one.kind),
          timeText(one.createTime),
          timeText(one.expireTime),
          one.consents.join("\n"),
        ],
      );
    });
  addEnd(group, io);
}

function addEnd(group: Command, io: Io): void {
  addConnectionOptions(group.command("end [grants...]"), io)
    .description("end what applications may do for you; their tokens are refused from then on")
    .option("--all", "all of them", false)
    .option("--revoke", "also revoke the consents that they stand on, as the patient", false)
    .addHelpText("after", "\nExample: wellapi app end grn_... --revoke")
    .action(
      async (grants: string[], { all, revoke }: { all: boolean; revoke: boolean }, command: Command) => {
        if (all === grants.length > 0) throw new CliError("usage", "name grants (grn_...), or say --all");
        const settings = settingsOf(command, io);
        // A consent first: once it is revoked its grant is not listed any more.
        if (revoke) await revokeConsents(settings, (grant) => all || grants.includes(grant.id));
        const client = createClient(GrantService, await connect(settings));
        const answer = await client.endGrants({ grants, all });
        createOutput(io, settings.json).message(EndGrantsResponseSchema, answer, () =>
          answer.ended === 1 ? "1 application ended" : `${answer.ended} applications ended`,
        );
      },
    );
}

function grantsOf(client: ReturnType<typeof createClient<typeof GrantService>>): Promise<Grant[]> {
  return Array.fromAsync(
    paginate(
      (pageToken) => client.listGrants({ pageToken }),
      (page) => page.grants,
    ),
  );
}

async function revokeConsents(settings: Settings, wanted: (grant: Grant) => boolean): Promise<void> {
  const connection = await connect(settings);
  const grants = await grantsOf(createClient(GrantService, connection));
  const consents = new Set(grants.filter(wanted).flatMap((grant) => grant.consents));
  const client = createClient(ConsentService, connection);
  for (const consent of consents) await client.revokeConsent({ consent });
}
