import { createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Command } from "commander";
import { secretOf } from "../connection.ts";
import { CliError } from "../failure.ts";
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
      const bytes = await save(file, await ask(url, headers));
      createOutput(io, settings.json).object({ file, bytes }, () => `${file}: ${bytes} bytes`);
    });
}

/** The exit code of a refusal is that of an RPC's. */
const codes: Readonly<Record<number, Code>> = {
  400: Code.InvalidArgument,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  404: Code.NotFound,
};

async function ask(url: string, headers: Record<string, string>): Promise<ReadableStream> {
  const answer = await fetch(url, { headers }).catch((cause: unknown) => {
    throw new CliError("cut", `${new URL(url).origin} does not answer`, { cause });
  });
  if (answer.ok && answer.body !== null) return answer.body as ReadableStream;
  const { reason = "", message = `HTTP ${answer.status}` } = (await answer.json().catch(() => ({}))) as {
    reason?: string;
    message?: string;
  };
  throw new ConnectError(`${reason}: ${message}`, codes[answer.status] ?? Code.Unavailable);
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
