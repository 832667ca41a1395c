import { timestampDate } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { IngestionService, RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import type { Command } from "commander";
import { wordOption } from "../arguments.ts";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const reasons = {
  "entered-in-error": RetractionReason.ENTERED_IN_ERROR,
  "wrong-patient": RetractionReason.WRONG_PATIENT,
  superseded: RetractionReason.SUPERSEDED,
};

export function addRetract(program: Command, io: Io): void {
  addConnectionOptions(program.command("retract <batch>"), io)
    .description("take a batch of one's own back, by its token or its request id; its readers are told")
    .requiredOption("--patient <id>", "the patient, by the caller's own id")
    .option(
      "--by-request-id",
      "<batch> is the request id under which it was sent, not the token of its receipt",
    )
    .addOption(
      wordOption("--reason <word>", "why", reasons).default(
        RetractionReason.ENTERED_IN_ERROR,
        "entered-in-error",
      ),
    )
    .addHelpText("after", "\nExample: wellapi retract bat_... --credentials ./pulse --patient pat_...")
    .action(
      async (
        batch: string,
        options: { patient: string; reason: RetractionReason; byRequestId?: true },
        command: Command,
      ) => {
        const settings = settingsOf(command, io);
        const client = createClient(IngestionService, await connect(settings));
        const { retractTime, items } = await client.retractBatch({
          patient: options.patient,
          target: { case: options.byRequestId ? "batchRequestId" : "batch", value: batch },
          reason: options.reason,
        });
        const time = retractTime === undefined ? "" : timestampDate(retractTime).toISOString();
        createOutput(io, settings.json).object(
          { batch, retractTime: time, items },
          () => `${batch} is hidden since ${time}: ${items} samples or records`,
        );
      },
    );
}
