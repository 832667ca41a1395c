import { randomUUID } from "node:crypto";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { type Connection, paginate } from "@wellapi/client";
import { type Consent, Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import type { Command } from "commander";
import { connect } from "../connection.ts";
import { kinds, patientOf, printDelegation, printDelegations } from "../delegation-text.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output } from "../output.ts";
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
  addRemove(group, io);
}

function addRemove(group: Command, io: Io): void {
  addConnectionOptions(group.command("remove <delegation>"), io)
    .description(
      "end a carer's access; their calls are refused from then on. A carer gives it up in the same way",
    )
    .option("--revoke", "also revoke the consents that the carer gave in your name", false)
    .addHelpText(
      "after",
      "\nExample: wellapi carer remove del_...\n" +
        "         What the carer agreed to in your name stays in force: it is listed, and --revoke ends all of it.",
    )
    .action(async (id: string, { revoke }: { revoke: boolean }, command: Command) => {
      const settings = settingsOf(command, io);
      const output = createOutput(io, settings.json);
      const connection = await connect(settings);
      // First, so that no more are given meanwhile.
      const { delegation } = await createClient(DelegationService, connection).endDelegation({
        delegation: id,
      });
      printDelegation(output, delegation);
      if (delegation?.account) await tellConsents(connection, output, delegation.account, revoke);
    });
}

/** The consents in force that this person gave in the patient's name; a carer who gives up their own access sees none. */
async function tellConsents(
  connection: Connection,
  output: Output,
  account: string,
  revoke: boolean,
): Promise<void> {
  const client = createClient(ConsentService, connection);
  const states = [Consent_State.ACTIVE, Consent_State.SCHEDULED];
  const given: Consent[] = [];
  try {
    const all = paginate(
      (pageToken) => client.listConsents({ states, pageToken }),
      (page) => page.consents,
    );
    for await (const one of all) if (one.grantor?.id === account) given.push(one);
  } catch (error) {
    if (ConnectError.from(error).code === Code.PermissionDenied) return;
    throw error;
  }
  for (const { id, grantee } of given) {
    if (revoke) await client.revokeConsent({ consent: id });
    output.note(
      `${id} to ${grantee}, which they gave in your name, ${revoke ? "is revoked" : "stays in force"}`,
    );
  }
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
