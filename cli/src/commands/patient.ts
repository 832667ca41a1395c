import { randomUUID } from "node:crypto";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import { type Patient, PatientSchema } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import type { Command } from "commander";
import { instant } from "../arguments.ts";
import { connect } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";
import { addClaim, addClaimCode } from "./claim.ts";

export function addPatient(program: Command, io: Io): void {
  const group = program.command("patient").description("people whose data the exchange holds");
  addCreate(group, io);
  addGet(group, io);
  addUpdate(group, io);
  addList(group, io);
  addClaimCode(group, io);
  addClaim(group, io);
}

function addCreate(group: Command, io: Io): void {
  addConnectionOptions(group.command("create <name>"), io)
    .description("enrol a patient")
    .option("--time-zone <iana>", "the patient's time zone", "UTC")
    .option("--request-id <id>", "sending it again gives the same patient")
    .addHelpText(
      "after",
      '\nExample: wellapi patient create "Participant 2022484408" --time-zone Europe/Berlin',
    )
    .action(async (name: string, options: { timeZone: string; requestId?: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(PatientService, await connect(settings));
      const { patient } = await client.createPatient({
        patient: { displayName: name, timeZones: [{ timeZone: options.timeZone }] },
        requestId: options.requestId ?? randomUUID(),
      });
      if (patient) createOutput(io, settings.json).message(PatientSchema, patient, () => patient.id);
    });
}

function addGet(group: Command, io: Io): void {
  addConnectionOptions(group.command("get <patient>"), io)
    .description("show a patient and the history of their time zones")
    .addHelpText("after", "\nExample: wellapi patient get pat_...")
    .action(async (patient: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(PatientService, await connect(settings));
      show(createOutput(io, settings.json), (await client.getPatient({ patient })).patient);
    });
}

function addUpdate(group: Command, io: Io): void {
  addConnectionOptions(group.command("update <patient>"), io)
    .description(
      "change the name, or replace the history of time zones; an operator's or the patient's command",
    )
    .option("--name <name>", "what the patient is called")
    .option(
      "--time-zone <zones>",
      "oldest first, each later one with its start: Europe/Berlin,2026-04-01T00:00:00Z=Asia/Tokyo",
      timeZones,
    )
    .addHelpText("after", "\nExample: wellapi patient update pat_... --time-zone Europe/Paris")
    .action(async (id: string, options: { name?: string; timeZone?: TimeZones }, command: Command) => {
      if (options.name === undefined && options.timeZone === undefined) {
        throw new CliError("usage", "say --name or --time-zone, or both");
      }
      const settings = settingsOf(command, io);
      const client = createClient(PatientService, await connect(settings));
      const { patient } = await client.updatePatient({
        patient: { id, displayName: options.name ?? "", timeZones: [...(options.timeZone ?? [])] },
        updateMask: {
          paths: [
            ...(options.name === undefined ? [] : ["display_name"]),
            ...(options.timeZone === undefined ? [] : ["time_zones"]),
          ],
        },
      });
      show(createOutput(io, settings.json), patient);
    });
}

function addList(group: Command, io: Io): void {
  addConnectionOptions(group.command("list"), io)
    .description("list patients")
    .addHelpText("after", "\nExample: wellapi patient list")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(PatientService, await connect(settings));
      const patients = await Array.fromAsync(
        paginate(
          (pageToken) => client.listPatients({ pageToken }),
          (page) => page.patients,
        ),
      );
      createOutput(io, settings.json).rows(
        PatientSchema,
        patients,
        ["patient", "name", "time zone", "region", "created", "erased"],
        (p) => [
          p.id,
          p.displayName,
          p.timeZones.at(-1)?.timeZone ?? "",
          p.homeRegion,
          timeText(p.createTime),
          timeText(p.eraseTime),
        ],
      );
    });
}

type TimeZones = ReadonlyArray<{ readonly timeZone: string; readonly startTime?: Timestamp }>;

/** `Europe/Berlin,2026-04-01T00:00:00Z=Asia/Tokyo` */
function timeZones(text: string): TimeZones {
  return text.split(",").map((period) => {
    const [first = "", timeZone] = period.split("=");
    return timeZone === undefined
      ? { timeZone: first }
      : { timeZone, startTime: timestampFromMs(instant(first)) };
  });
}

function show(output: Output, patient: Patient | undefined): void {
  if (patient === undefined) return;
  const { id, displayName, timeZones, eraseTime } = patient;
  const zones = timeZones.map(({ startTime, timeZone }) =>
    startTime === undefined ? timeZone : `${timeZone} from ${timeText(startTime)}`,
  );
  output.message(PatientSchema, patient, () =>
    [id, displayName, zones.join(", "), eraseTime ? `erased ${timeText(eraseTime)}` : ""]
      .join("  ")
      .trimEnd(),
  );
}
