import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { PatientSchema } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import type { Command } from "commander";
import { connect } from "../connection.ts";
import { createOutput, timeText } from "../output.ts";
import { pages } from "../pages.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

export function addPatient(program: Command): void {
  const group = program.command("patient").description("people whose data the exchange holds");
  addConnectionOptions(group.command("create <name>"))
    .description("enrol a patient")
    .option("--time-zone <iana>", "the patient's time zone", "UTC")
    .option("--request-id <id>", "sending it again gives the same patient")
    .addHelpText(
      "after",
      '\nExample: wellapi patient create "Participant 2022484408" --time-zone Europe/Berlin',
    )
    .action(async (name: string, options: { timeZone: string; requestId?: string }, command: Command) => {
      const settings = settingsOf(command);
      const client = createClient(PatientService, await connect(settings));
      const { patient } = await client.createPatient({
        patient: { displayName: name, timeZones: [{ timeZone: options.timeZone }] },
        requestId: options.requestId ?? randomUUID(),
      });
      if (patient) createOutput(settings.json).message(PatientSchema, patient, () => patient.id);
    });
  addConnectionOptions(group.command("list"))
    .description("list patients")
    .addHelpText("after", "\nExample: wellapi patient list")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command);
      const client = createClient(PatientService, await connect(settings));
      const patients = await pages(async (pageToken) => {
        const page = await client.listPatients({ pageToken });
        return { items: page.patients, nextPageToken: page.nextPageToken };
      });
      createOutput(settings.json).rows(
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
