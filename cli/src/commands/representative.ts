import { randomUUID } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { Delegation_State, DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import type { Command } from "commander";
import { instant } from "../arguments.ts";
import { connect } from "../connection.ts";
import { addDecisions, kinds, patientOf, printDelegation, printDelegations } from "../delegation-text.ts";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

interface VerifyOptions {
  readonly patient?: string;
  readonly name: string;
  readonly grounds: string;
  readonly until?: number;
  readonly language?: string;
  readonly requestId?: string;
}

export function addRepresentative(program: Command, io: Io): void {
  const group = program
    .command("representative")
    .description("people who represent a patient who died: they see the record and revoke consents");
  addConnectionOptions(group.command("verify <email>"), io)
    .description("invite a representative whose right to act you have verified; the record must be frozen")
    .requiredOption("--name <name>", "the representative's name, as it was verified")
    .requiredOption("--grounds <text>", "what shows the right: a certificate of inheritance and its number")
    .option("--patient <id>", "the patient, by your own id for them")
    .option("--until <time>", "when the grounds end", instant)
    .option("--language <tag>", "of the mail, en or de")
    .option("--request-id <id>", "sending it again sends the mail again")
    .addHelpText(
      "after",
      "\nExample: wellapi login --as staff && wellapi representative verify rita@example.com --patient pat_... \\\n" +
        '           --name Rita --grounds "certificate of inheritance 7/2026"',
    )
    .action(async (email: string, options: VerifyOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { name: displayName, grounds, until, language = "" } = options;
      const client = createClient(DelegationService, await connect(settings));
      const invited = await client.inviteRepresentative({
        patient: patientOf(options.patient, settings),
        ...{ email, displayName, grounds, language },
        ...(until !== undefined && { expireTime: timestampFromMs(until) }),
        requestId: options.requestId ?? randomUUID(),
      });
      printDelegation(createOutput(io, settings.json), invited.delegation);
    });
  addConnectionOptions(group.command("list"), io)
    .description("list a patient's representatives, and those who were")
    .option("--patient <id>", "the patient, by your own id for them")
    .addHelpText("after", "\nExample: wellapi representative list --patient pat_...")
    .action(async ({ patient: named }: { patient?: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const query = { patient: patientOf(named, settings), kind: kinds.representative };
      await printDelegations(await connect(settings), createOutput(io, settings.json), query);
    });
  addDecisions(group, io, {
    confirm: {
      state: Delegation_State.ACTIVE,
      text: "confirm one whom an organization entered, or give the access back; the privacy officer's",
    },
    dispute: { state: Delegation_State.DISPUTED, text: "take the access until it is decided who is right" },
    block: { state: Delegation_State.BLOCKED, text: "take the access, and accept no invitation of theirs" },
    end: { state: Delegation_State.ENDED, text: "end the access" },
  });
}
