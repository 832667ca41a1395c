import { createClient } from "@connectrpc/connect";
import { type Erasure, Erasure_State, ErasureSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { Command } from "commander";
import { connect } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

export function addErase(program: Command, io: Io): void {
  addConnectionOptions(program.command("erase <patient>"), io)
    .description("erase a patient for ever (as the patient), or show how far it is")
    .option("--yes", "really: it can't be undone", false)
    .option("--status", "erase nothing: show how far an erasure is, and its receipt", false)
    .addHelpText(
      "after",
      "\nThe last line is the signed receipt: keep it in a file, and verify it with 'wellapi receipt verify --kind erasure'." +
        "\nExample: wellapi erase pat_... --as-patient pat_... --yes",
    )
    .action(async (patient: string, options: { yes: boolean; status: boolean }, command: Command) => {
      if (!options.yes && !options.status)
        throw new CliError("usage", "erasing can't be undone: say --yes if you mean it");
      const settings = settingsOf(command, io);
      const client = createClient(RecordsService, await connect(settings));
      const { erasure } = options.status
        ? await client.getErasure({ patient })
        : await client.erasePatient({ patient });
      if (erasure) createOutput(io, settings.json).message(ErasureSchema, erasure, () => describe(erasure));
    });
}

function describe({ id, state, receipt }: Erasure): string {
  if (state !== Erasure_State.DONE || receipt === undefined)
    return `${id}: running; nothing of the patient is stored or read any more, the rest goes on by itself`;
  const { keyIds, keyDestroyTime, backupExpireTime, documentsDeleted, access, jws } = receipt;
  const keys = keyIds.length === 0 ? "there was no key" : `${keyIds.join(", ")} destroyed`;
  return [
    `${id}: ${keys} at ${timeText(keyDestroyTime)}, ${documentsDeleted} documents deleted; backups let go of the key by ` +
      `${timeText(backupExpireTime)}; access ${access}`,
    jws,
  ].join("\n");
}
