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
  readonly birthDate?: string;
  readonly until?: number;
  readonly language?: string;
  readonly requestId?: string;
}

export function addGuardian(program: Command, io: Io): void {
  const group = program
    .command("guardian")
    .description("people whose right to act for a patient the privacy officer or an organization verified");
  addVerify(group, io);
  addConnectionOptions(group.command("list"), io)
    .description("list a patient's guardians, and those who were")
    .option("--patient <id>", "the patient, by your own id for them")
    .addHelpText("after", "\nExample: wellapi guardian list --patient pat_...")
    .action(async ({ patient: named }: { patient?: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const query = { patient: patientOf(named, settings), kind: kinds.guardian };
      await printDelegations(await connect(settings), createOutput(io, settings.json), query);
    });
  addDecisions(group, io, changes);
}

const changes = {
  dispute: { state: Delegation_State.DISPUTED, text: "take the access until it is decided who is right" },
  block: { state: Delegation_State.BLOCKED, text: "take the access, and accept no invitation of theirs" },
  end: { state: Delegation_State.ENDED, text: "end the access" },
  restore: {
    state: Delegation_State.ACTIVE,
    text: "give the access back; after a block or an end the officer alone does",
  },
} as const;

function addVerify(group: Command, io: Io): void {
  addConnectionOptions(group.command("verify <email>"), io)
    .description(
      "invite a guardian whose right to act you have verified; the mail has a link that works once",
    )
    .requiredOption("--name <name>", "the guardian's name, as it was verified")
    .requiredOption(
      "--grounds <text>",
      "what shows the right: a birth certificate, a court's order and its number",
    )
    .option("--patient <id>", "the patient, by your own id for them")
    .option("--birth-date <date>", "of a child, 2012-03-31: the access ends when it comes of age")
    .option("--until <time>", "when the grounds end", instant)
    .option("--language <tag>", "of the mail, en or de")
    .option("--request-id <id>", "sending it again sends the mail again")
    .addHelpText(
      "after",
      "\nExample: wellapi login --as staff && wellapi guardian verify alex@example.com --patient pat_... --name Alex \\\n" +
        '           --grounds "birth certificate 77/2012" --birth-date 2012-03-31',
    )
    .action(async (email: string, options: VerifyOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { name: displayName, grounds, birthDate = "", until, language = "" } = options;
      const client = createClient(DelegationService, await connect(settings));
      const invited = await client.inviteGuardian({
        patient: patientOf(options.patient, settings),
        ...{ email, displayName, grounds, birthDate, language },
        ...(until !== undefined && { expireTime: timestampFromMs(until) }),
        requestId: options.requestId ?? randomUUID(),
      });
      printDelegation(createOutput(io, settings.json), invited.delegation);
    });
}
