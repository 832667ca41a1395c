import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import type { Command } from "commander";
import { connect } from "../connection.ts";
import { kinds, patientOf, printDelegation, printDelegations } from "../delegation-text.ts";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

interface InviteOptions {
  readonly patient?: string;
  readonly name: string;
  readonly language?: string;
  readonly requestId?: string;
}

export function addCarer(program: Command, io: Io): void {
  const group = program.command("carer").description("people whom a patient lets act in their name");
  addInvite(group, io);
  addConnectionOptions(group.command("list"), io)
    .description("list a patient's carers, and those who were")
    .option("--patient <id>", "the patient")
    .addHelpText("after", "\nExample: wellapi carer list --patient pat_...")
    .action(async ({ patient: named }: { patient?: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const query = { patient: patientOf(named, settings), kind: kinds.carer };
      await printDelegations(await connect(settings), createOutput(io, settings.json), query);
    });
  addConnectionOptions(group.command("remove <delegation>"), io)
    .description(
      "end a carer's access; their calls are refused from then on. A carer gives it up in the same way",
    )
    .addHelpText("after", "\nExample: wellapi carer remove del_...")
    .action(async (delegation: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(DelegationService, await connect(settings));
      printDelegation(
        createOutput(io, settings.json),
        (await client.endDelegation({ delegation })).delegation,
      );
    });
}

function addInvite(group: Command, io: Io): void {
  addConnectionOptions(group.command("invite <email>"), io)
    .description("invite a carer by e-mail; the mail has a link that works once")
    .requiredOption("--name <name>", "what you call the carer")
    .option("--patient <id>", "the patient")
    .option("--language <tag>", "of the mail, en or de")
    .option("--request-id <id>", "sending it again sends the mail again")
    .addHelpText("after", "\nExample: wellapi carer invite sam@example.com --name Sam --patient pat_...")
    .action(async (email: string, options: InviteOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { name: displayName, language = "", requestId = randomUUID() } = options;
      const patient = patientOf(options.patient, settings);
      const client = createClient(DelegationService, await connect(settings));
      const invited = await client.inviteCarer({ patient, email, displayName, language, requestId });
      printDelegation(createOutput(io, settings.json), invited.delegation);
    });
}
