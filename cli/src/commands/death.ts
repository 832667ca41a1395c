import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import {
  type DeathReport,
  DeathReport_State,
  DeathReportSchema,
  DeathService,
} from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import type { Command } from "commander";
import { nameOf } from "../arguments.ts";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const states = {
  reported: DeathReport_State.REPORTED,
  confirmed: DeathReport_State.CONFIRMED,
  dismissed: DeathReport_State.DISMISSED,
  undone: DeathReport_State.UNDONE,
};

const columns = [
  "reported",
  "report",
  "patient",
  "organization",
  "date",
  "state",
  "decided",
  "grounds",
  "note",
];

function row(report: DeathReport): string[] {
  const { id, patient, organization, dateOfDeath, grounds, note, state, createTime, decideTime } = report;
  const [reported, decided] = [timeText(createTime), timeText(decideTime)];
  return [reported, id, patient, organization, dateOfDeath, nameOf(states, state), decided, grounds, note];
}

function print(output: Output, report: DeathReport | undefined): void {
  if (report === undefined) return;
  output.message(DeathReportSchema, report, () => `${report.id}  ${nameOf(states, report.state)}`);
}

interface ReportOptions {
  readonly patient: string;
  readonly date: string;
  readonly grounds: string;
  readonly requestId?: string;
}

export function addDeath(program: Command, io: Io): void {
  const group = program
    .command("death")
    .description(
      "deaths of patients: reported, confirmed by the privacy officer, and undone where it was a mistake",
    );
  addConnectionOptions(group.command("report"), io)
    .description(
      "report a death; nothing changes until the privacy officer confirms it, and the patient is told",
    )
    .requiredOption("--patient <id>", "the patient, by your own id for them")
    .requiredOption("--date <date>", "the day of the death, 2026-03-31")
    .requiredOption("--grounds <text>", "what it rests on: a death certificate and its number")
    .option("--request-id <id>", "sending it again gives the same report")
    .addHelpText(
      "after",
      '\nExample: wellapi login --as member && wellapi death report --patient pat_... \\\n           --date 2026-03-31 --grounds "death certificate 12/2026"',
    )
    .action(async (options: ReportOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { patient, date: dateOfDeath, grounds, requestId = randomUUID() } = options;
      const client = createClient(DeathService, await connect(settings));
      const { deathReport } = await client.reportDeath({ patient, dateOfDeath, grounds, requestId });
      print(createOutput(io, settings.json), deathReport);
    });
  addConnectionOptions(group.command("list"), io)
    .description("list reports: your organization's, or the privacy officer's all")
    .addHelpText("after", "\nExample: wellapi death list")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(DeathService, await connect(settings));
      const reports = await Array.fromAsync(
        paginate(
          (pageToken) => client.listDeathReports({ pageToken }),
          (page) => page.deathReports,
        ),
      );
      createOutput(io, settings.json).rows(DeathReportSchema, reports, columns, row);
    });
  for (const [name, { rpc, text, note }] of Object.entries(decisions)) {
    addConnectionOptions(group.command(`${name} <report>`), io)
      .description(text)
      .requiredOption("--note <text>", note)
      .addHelpText(
        "after",
        `\nExample: wellapi login --as staff && wellapi death ${name} dth_... --note "..."`,
      )
      .action(async (deathReport: string, options: { note: string }, command: Command) => {
        const settings = settingsOf(command, io);
        const client = createClient(DeathService, await connect(settings));
        const answer = await client[rpc]({ deathReport, note: options.note });
        print(createOutput(io, settings.json), answer.deathReport);
      });
  }
}

const decisions = {
  confirm: {
    rpc: "confirmDeath",
    text: "confirm a report, within five minutes of signing in: the record freezes, and it can be undone",
    note: "what you have checked; kept with the report",
  },
  dismiss: {
    rpc: "dismissDeathReport",
    text: "dismiss a report that is not confirmed",
    note: "why; kept with the report",
  },
  undo: {
    rpc: "undoDeath",
    text: "undo a confirmed death, within five minutes of signing in: all is as it was, and the patient is told",
    note: "what shows the mistake; kept with the report",
  },
} as const;
