import { createClient } from "@connectrpc/connect";
import {
  ActingOption_Kind,
  ActingOptionSchema,
  SessionSchema,
} from "@wellapi/gen/wellapi/identity/v1/account_pb";
import {
  AccountService,
  EndSessionsResponseSchema,
} from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { Command } from "commander";
import { nameOf } from "../arguments.ts";
import { connect } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, type Settings, settingsOf } from "../settings.ts";

const actingKinds = {
  account: ActingOption_Kind.ACCOUNT,
  patient: ActingOption_Kind.PATIENT,
  carer: ActingOption_Kind.CARER,
  guardian: ActingOption_Kind.GUARDIAN,
  representative: ActingOption_Kind.REPRESENTATIVE,
  member: ActingOption_Kind.MEMBER,
  staff: ActingOption_Kind.STAFF,
} as const;
const assurances = {
  code: Assurance.CODE,
  passkey: Assurance.PASSKEY,
  fresh: Assurance.FRESH,
} as const;

const accountOf = async (settings: Settings) => createClient(AccountService, await connect(settings));

export function addAccount(program: Command, io: Io): void {
  const group = program
    .command("account")
    .description("your own account (after `wellapi login --as account`)");
  addConnectionOptions(group.command("acting"), io)
    .description(
      "list as whom you may act: your own patient, those whom you act for, organizations, the staff",
    )
    .addHelpText("after", "\nExample: wellapi account acting")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const { options } = await (await accountOf(settings)).listActingOptions({});
      createOutput(io, settings.json).rows(
        ActingOptionSchema,
        options,
        ["id", "as", "name", "roles"],
        (one) => [one.actingAs, nameOf(actingKinds, one.kind), one.displayName, one.roles.join(", ")],
      );
    });
}

export function addSession(program: Command, io: Io): void {
  const group = program
    .command("session")
    .description("where you are signed in by a browser (after `wellapi login --as account`)");
  addConnectionOptions(group.command("list"), io)
    .description("list your sessions, newest first")
    .addHelpText("after", "\nExample: wellapi session list")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const { sessions } = await (await accountOf(settings)).listSessions({});
      createOutput(io, settings.json).rows(
        SessionSchema,
        sessions,
        ["session", "since", "last use", "until", "signed in by"],
        (one) => [
          one.id,
          timeText(one.createTime),
          timeText(one.lastUseTime),
          timeText(one.expireTime),
          nameOf(assurances, one.assurance),
        ],
      );
    });
  addConnectionOptions(group.command("end [sessions...]"), io)
    .description("end sessions, by their ids or all; they are refused from then on")
    .option("--all", "all of them", false)
    .addHelpText("after", "\nExample: wellapi session end ses_...\n         wellapi session end --all")
    .action(async (sessions: string[], { all }: { all: boolean }, command: Command) => {
      if (all === sessions.length > 0) throw new CliError("usage", "name sessions (ses_...), or say --all");
      const settings = settingsOf(command, io);
      const answer = await (await accountOf(settings)).endSessions({ sessions, others: all, current: all });
      createOutput(io, settings.json).message(EndSessionsResponseSchema, answer, () =>
        answer.ended === 1 ? "1 session ended" : `${answer.ended} sessions ended`,
      );
    });
}
