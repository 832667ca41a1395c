import { createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { Command } from "commander";
import { secretOf } from "../connection.ts";
import { CliError } from "../failure.ts";
import { askSurface } from "../http-refusal.ts";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

export function addDownload(program: Command, io: Io): void {
  addConnectionOptions(program.command("download <file>"), io)
    .description("write a patient's whole record into a ZIP file: a page, tables, Parquet and FHIR")
    .option("--patient <id>", "the patient's own id (default: that of --as-patient)")
    .addHelpText("after", "\nExample: wellapi download record.zip --patient pat_... --token-file ./token")
    .action(async (file: string, { patient }: { patient?: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const whose = patient ?? settings.asPatient;
      if (whose === undefined) throw new CliError("usage", "say whose record with --patient");
      const headers = { authorization: `Bearer ${await secretOf(settings)}` };
      const url = `${settings.url}/download/${encodeURIComponent(whose)}`;
      const { body } = await askSurface(url, { headers });
      const bytes = await save(file, body as ReadableStream);
      createOutput(io, settings.json).object({ file, bytes }, () => `${file}: ${bytes} bytes`);
    });
}

/** Under another name until it is whole: what was cut off must not look like the record. */
async function save(file: string, body: ReadableStream): Promise<number> {
  const part = `${file}.part`;
  try {
    await pipeline(Readable.fromWeb(body), createWriteStream(part, { mode: 0o600 }));
    await rename(part, file);
  } catch (cause) {
    await rm(part, { force: true });
    throw new CliError("cut", `the download was cut off, so ${file} was not written: try again`, { cause });
  }
  return (await stat(file)).size;
}
