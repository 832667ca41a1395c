import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import type { Command } from "commander";
import { count } from "../arguments.ts";
import { codeFrom } from "../code-file.ts";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

export function addClaimCode(group: Command, io: Io): void {
  addConnectionOptions(group.command("claim-code <patient>"), io)
    .description("make a one-time code by which a person makes this patient their own, and print it")
    .option("--days <n>", "how long the code works (default: 7; at most 30)", count)
    .addHelpText("after", "\nExample: wellapi patient claim-code pat_... > code.txt")
    .action(async (patient: string, { days }: { days?: number }, command: Command) => {
      const settings = settingsOf(command, io);
      const made = await createClient(PatientService, await connect(settings)).createClaimCode({
        patient,
        requestId: randomUUID(),
        ...(days !== undefined && { lifetime: { seconds: BigInt(days) * 86_400n } }),
      });
      const output = createOutput(io, settings.json);
      const expireTime = timeText(made.expireTime);
      if (!settings.json) output.note(`works once, until ${expireTime}`);
      output.object({ code: made.code, expireTime }, () => made.code);
    });
}

export function addClaim(group: Command, io: Io): void {
  addConnectionOptions(group.command("claim"), io)
    .description("make the patient of a code your own; your account must have none yet")
    .option("--code-file <file>", "file with the code (or set WELLAPI_CLAIM_CODE)")
    .addHelpText(
      "after",
      "\nExample: wellapi login --as account && wellapi patient claim --code-file code.txt",
    )
    .action(async ({ codeFile }: { codeFile?: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const code = codeFrom(codeFile, "WELLAPI_CLAIM_CODE", io);
      const { patient } = await createClient(PatientService, await connect(settings)).claimPatient({ code });
      createOutput(io, settings.json).object({ patient }, () => patient);
    });
}
