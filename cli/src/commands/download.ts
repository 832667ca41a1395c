import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { createClient } from "@connectrpc/connect";
import { connect as connectBy } from "@wellapi/client";
import { DownloadFormat, ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import type { Command } from "commander";
import { instant, interval, several, wordOption } from "../arguments.ts";
import { secretOf } from "../connection.ts";
import { CliError } from "../failure.ts";
import { askSurface } from "../http-refusal.ts";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const formats: Readonly<Record<string, DownloadFormat>> = {
  html: DownloadFormat.HTML,
  csv: DownloadFormat.CSV,
  fhir: DownloadFormat.FHIR,
  parquet: DownloadFormat.PARQUET,
};

interface Options {
  readonly patient?: string;
  readonly category?: readonly string[];
  readonly from?: number;
  readonly to?: number;
  readonly format?: readonly DownloadFormat[];
}

export function addDownload(program: Command, io: Io): void {
  addConnectionOptions(program.command("download <file>"), io)
    .description(
      "write a patient's record, or a part of it, into a ZIP file: a page, tables, Parquet and FHIR",
    )
    .option("--patient <id>", "the patient's own id (default: that of --as-patient)")
    .option("--category <name...>", "only heart, activity, sleep, … (default: all)", several(String))
    .option("--from <time>", "only what is about this time or later", instant)
    .option("--to <time>", "only what is about a time before", instant)
    .addOption(wordOption("--format <word...>", "only these files; the page is always there", formats))
    .addHelpText(
      "after",
      "\nExample: wellapi download record.zip --patient pat_... --token-file ./token" +
        "\n         wellapi download heart.zip --category heart --from 2026-01-01T00:00:00Z --format csv --as-patient pat_...",
    )
    .action(async (file: string, options: Options, command: Command) => {
      const settings = settingsOf(command, io);
      const patient = options.patient ?? settings.asPatient;
      if (patient === undefined) throw new CliError("usage", "say whose record with --patient");
      const output = createOutput(io, settings.json);
      const secret = await secretOf(settings);
      const prepared = await prepare({ url: settings.url, token: secret }, patient, options);
      const url = `${settings.url}/download/${encodeURIComponent(patient)}?prepared=${prepared}`;
      const { body } = await askSurface(url, { headers: { authorization: `Bearer ${secret}` } });
      const bytes = await save(file, body as ReadableStream, progressOn(io));
      output.object({ file, bytes }, () => `${file}: ${bytes} bytes`);
    });
}

/** Names the download, for who asks. */
async function prepare(
  by: { readonly url: string; readonly token: string },
  patient: string,
  { category, from, to, format }: Options,
): Promise<string> {
  const { download } = await createClient(ExportService, connectBy(by)).prepareDownload({
    patient,
    categories: [...new Set(category)],
    ...(from === undefined && to === undefined ? {} : { interval: interval(from, to) }),
    formats: [...new Set(format)],
  });
  return download;
}

const tellMs = 250;

/** How much has come, on a terminal: nobody knows before how much it will be. */
function progressOn({ stderr }: Io): (bytes: number) => void {
  if (!stderr.isTTY) return () => {};
  let told = 0;
  return (bytes) => {
    if (Date.now() - told < tellMs) return;
    told = Date.now();
    stderr.write(`\r${(bytes / 1_000_000).toFixed(1)} MB so far\r`);
  };
}

/** Under another name until it is whole: what was cut off must not look like the record. */
async function save(file: string, body: ReadableStream, onBytes: (bytes: number) => void): Promise<number> {
  const part = `${file}.part`;
  let bytes = 0;
  async function* counted(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      bytes += piece.length;
      onBytes(bytes);
      yield piece;
    }
  }
  try {
    await pipeline(Readable.fromWeb(body), counted, createWriteStream(part, { mode: 0o600 }));
    await rename(part, file);
  } catch (cause) {
    await rm(part, { force: true });
    throw new CliError("cut", `the download was cut off, so ${file} was not written: try again`, { cause });
  }
  return bytes;
}
