import { createClient } from "@connectrpc/connect";
import { IngestionService, RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import type { Command } from "commander";
import { oneOf } from "../arguments.ts";
import { connect } from "../connection.ts";
import { createOutput } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const reasons = {
  "entered-in-error": RetractionReason.ENTERED_IN_ERROR,
  "wrong-patient": RetractionReason.WRONG_PATIENT,
  superseded: RetractionReason.SUPERSEDED,
};

export function addRetract(program: Command): void {
  addConnectionOptions(program.command("retract <batch>"))
    .description("take a batch of one's own back; its readers are told")
    .requiredOption("--patient <id>", "the patient, by the caller's own id")
    .option(
      "--reason <word>",
      Object.keys(reasons).join(", "),
      oneOf(reasons),
      RetractionReason.ENTERED_IN_ERROR,
    )
    .addHelpText("after", "\nExample: wellapi retract bat_... --credentials ./pulse --patient pat_...")
    .action(
      async (batch: string, options: { patient: string; reason: RetractionReason }, command: Command) => {
        const settings = settingsOf(command);
        const client = createClient(IngestionService, await connect(settings));
        const { sequence } = await client.retractBatch({
          patient: options.patient,
          batch,
          reason: options.reason,
        });
        createOutput(settings.json).object(
          { batch, sequence: Number(sequence) },
          () => `${batch} is hidden from sequence ${sequence} on`,
        );
      },
    );
}
