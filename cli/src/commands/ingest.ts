import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Client, createClient } from "@connectrpc/connect";
import {
  type Answer,
  type BatchOptions,
  batchesOf,
  openProgressFile,
  type ProgressFile,
  uploadSeries,
} from "@wellapi/client";
import { ItemOutcome_Status, type SeriesBatch } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Command, InvalidArgumentError } from "commander";
import { count, wordOption } from "../arguments.ts";
import { connectDoor } from "../connection.ts";
import { type CsvOptions, namedProblems, type RowProblem, readRows } from "../csv.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output } from "../output.ts";
import { samplesIn } from "../sample-count.ts";
import { addConnectionOptions, type Settings, settingsOf } from "../settings.ts";
import { createTimeReader, timeFormatHelp } from "../time-format.ts";
import { ingestFromVendor } from "./ingest-vendor.ts";

interface IngestOptions {
  patient: string;
  code: string;
  unit: string;
  from?: string;
  date?: string;
  vendorUser?: string;
  rebind?: boolean;
  timeColumn?: string;
  valueColumn?: string;
  timeFormat?: string;
  timeZone?: string;
  delimiter?: string;
  decimalComma?: boolean;
  skipInvalid?: boolean;
  report?: string;
  device?: string;
  duration: number;
  granularity?: Granularity;
  batch: number;
}

/** The server's answers, counted in samples. */
const granularities = {
  minute: Granularity.MINUTE,
  "quarter-hour": Granularity.QUARTER_HOUR,
  hour: Granularity.HOUR,
  day: Granularity.DAY,
  episode: Granularity.EPISODE,
};

interface Tally {
  accepted: number;
  duplicate: number;
  rejected: number;
  failed: number;
  batches: string[];
  problems: string[];
}

function note(tally: Tally, batch: SeriesBatch, answer: Answer): void {
  const samples = samplesIn(batch.series[0]);
  if ("failure" in answer) {
    tally.failed += samples;
    tally.problems.push(`${answer.failure.reason}: ${answer.failure.message}`);
    return;
  }
  const item = answer.receipt.items[0];
  if (answer.receipt.batch !== "") tally.batches.push(answer.receipt.batch);
  if (item?.status === ItemOutcome_Status.ACCEPTED) tally.accepted += samples;
  else if (item?.status === ItemOutcome_Status.DUPLICATE) tally.duplicate += samples;
  else {
    tally.rejected += samples;
    for (const { field, description } of item?.violations ?? [])
      tally.problems.push(`${field}: ${description}`);
  }
}

export function addIngest(program: Command, io: Io): void {
  addConnectionOptions(program.command("ingest <file>"), io)
    .description(
      "stream a CSV file with a time and a value column, or send a vendor's own document; repeats nothing",
    )
    .requiredOption("--patient <id>", "the patient, by the organization's own id (see consent list)")
    .option("--code <loinc>", "of a CSV file: LOINC code, for example 8867-4 (heart rate)")
    .option("--unit <ucum>", "of a CSV file: UCUM unit, for example /min")
    .option("--from <vendor>", "the file is a vendor's own document: fitbit, google-fit, withings, ...")
    .option("--vendor-user <id>", "with --from: the person's id at the vendor, where the document has none")
    .option("--date <yyyy-mm-dd>", "with --from: the day that it is about, where the document does not say")
    .option("--rebind", "with --from: the patient has another account at the vendor now")
    .option("--time-column <name>", "default: the first with time or date in its name")
    .option("--value-column <name>", "default: the first with value in its name")
    .option("--time-format <format>", `${timeFormatHelp} (default: iso)`, timeFormat)
    .option(
      "--time-zone <iana>",
      "zone of times that carry none; of epoch times, the zone that the patient was in",
    )
    .option(
      "--delimiter <character>",
      "between columns; tab for a tab (default: found in the first line)",
      delimiter,
    )
    .option("--decimal-comma", "values are written as 98,6")
    .option("--skip-invalid", "leave out rows that cannot be read, and tell which")
    .option("--report <file>", "with --skip-invalid: write each row that is left out, with its reason")
    .option("--device <serial>", "the device's identifier")
    .option(
      "--duration <seconds>",
      "length of the interval that each value is about; 0: an instant",
      count,
      0,
    )
    .addOption(
      wordOption("--granularity <word>", "the class of that length, needed with --duration", granularities),
    )
    .option("--batch <samples>", "samples a message", count, 1000)
    .addHelpText(
      "after",
      "\nExample: wellapi ingest minute-heart-rate.csv --credentials ./pulse --patient pat_... \\\n" +
        "           --code 8867-4 --unit /min --time-zone UTC\n" +
        "         wellapi ingest heartrate-seconds.csv --credentials ./pulse --patient pat_... \\\n" +
        "           --code 8867-4 --unit /min --time-zone UTC --time-format 'M/d/yyyy h:mm:ss a'\n" +
        "         wellapi ingest weight.json --from fitbit --credentials ./pulse --patient pat_... \\\n" +
        "           --vendor-user 26FWFL --time-zone Europe/Berlin",
    )
    .action((file: string, options: IngestOptions, command: Command) =>
      ingest(file, options, settingsOf(command, io), io),
    );
}

async function ingest(file: string, options: IngestOptions, settings: Settings, io: Io): Promise<void> {
  const { from } = options;
  if (from !== undefined) return ingestFromVendor(file, { ...options, from }, settings, io);
  if (options.code === undefined || options.unit === undefined) {
    throw new CliError("usage", "a CSV file needs --code and --unit; a vendor's own document needs --from");
  }
  if (options.duration > 0 && options.granularity === undefined) {
    throw new CliError(
      "input",
      "--duration needs --granularity: say whether values are of a minute, an hour ...",
    );
  }
  if (options.report !== undefined && !options.skipInvalid) {
    throw new CliError(
      "usage",
      "--report is for --skip-invalid: without it a row that cannot be read is an error",
    );
  }
  const client = createClient(IngestionService, connectDoor(settings));
  const output = createOutput(io, settings.json);
  // A first pass checks every row, so that a bad row is found before the first batch is sent.
  const { total, invalid } = await checkedRows(file, options);
  tellInvalid(invalid, options, output);
  if (total === 0)
    throw new CliError("input", `${file} has no rows${invalid.length > 0 ? " that can be read" : ""}`);

  const progress = await openProgress(file, settings, io);
  const { tally, skipped } = await upload(client, file, { options, progress, output, total });
  const complete = tally.rejected + tally.failed === 0;
  if (complete) progress.remove();
  const { problems, ...counts } = tally;
  const left = invalid.length > 0 ? `, ${invalid.length} rows left out` : "";
  output.object(
    {
      samples: total,
      skipped,
      ...counts,
      ...(options.skipInvalid ? { invalidRows: invalid.length } : {}),
      problems: problems.slice(0, 10),
    },
    () =>
      `${total} samples: ${tally.accepted} accepted, ${tally.duplicate} were stored before, ${skipped} skipped, ` +
      `${tally.rejected} rejected, ${tally.failed} failed${left}`,
  );
  if (!complete) throw new CliError("input", [...new Set(problems)].slice(0, 10).join("\n"));
}

/** Counts the rows that can be sent, and collects the others where these may be left out. */
async function checkedRows(file: string, options: IngestOptions) {
  const invalid: RowProblem[] = [];
  let total = 0;
  for await (const _row of rowsOf(file, options, (problem) => void invalid.push(problem))) total += 1;
  return { total, invalid };
}

function rowsOf(file: string, options: IngestOptions, onInvalid: (problem: RowProblem) => void) {
  const { skipInvalid, ...rest } = options;
  const csv: CsvOptions = skipInvalid ? { ...rest, onInvalid } : rest;
  return readRows(file, csv);
}

function tellInvalid(invalid: readonly RowProblem[], { report }: IngestOptions, output: Output): void {
  if (report !== undefined) {
    const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const lines = invalid.map(({ line, problem }) => `${line},${cell(problem)}\n`);
    writeFileSync(report, `line,problem\n${lines.join("")}`);
  }
  if (invalid.length === 0) return;
  output.note(`${invalid.length} rows can't be read and are left out:`);
  for (const { line, problem } of invalid.slice(0, namedProblems)) output.note(`  line ${line}: ${problem}`);
  const more = invalid.length - namedProblems;
  if (more > 0)
    output.note(
      `  and ${more} more${report === undefined ? ": --report FILE lists them all" : `, in ${report}`}`,
    );
}

async function upload(
  client: Client<typeof IngestionService>,
  file: string,
  run: {
    readonly options: IngestOptions;
    readonly progress: ProgressFile;
    readonly output: Output;
    readonly total: number;
  },
): Promise<{ readonly tally: Tally; readonly skipped: number }> {
  const { options, progress, output, total } = run;
  const tally: Tally = { accepted: 0, duplicate: 0, rejected: 0, failed: 0, batches: [], problems: [] };
  let skipped = 0;
  const batchOptions: BatchOptions = {
    ...options,
    method: CaptureMethod.SENSED,
    durationMs: options.duration * 1000,
    samplesPerBatch: options.batch,
  };
  const batches = batchesOf(
    rowsOf(file, options, () => {}),
    batchOptions,
  ); // told before
  const bar = output.bar(total);
  try {
    await uploadSeries(client, batches, {
      progress,
      onAnswer: (batch, answer) => {
        note(tally, batch, answer);
        bar.increment(samplesIn(batch.series[0]));
      },
      onSkipped: (batch) => {
        skipped += samplesIn(batch.series[0]);
        bar.increment(samplesIn(batch.series[0]));
      },
      onCut: ({ message }, attempt) => output.note(`\ncut off (${message}); going on, attempt ${attempt}`),
    });
  } finally {
    bar.stop();
  }
  return { tally, skipped };
}

/**
 * What of the file is stored, until all is. It is found by the file's content and the exchange's authority: the file may be
 * renamed or moved between two runs, and a new exchange begins anew.
 */
async function openProgress(file: string, { certificate }: Settings, { env }: Io): Promise<ProgressFile> {
  const hash = createHash("sha256").update(`${certificate?.ca ?? ""}\0`);
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const state = env.XDG_STATE_HOME || (env.HOME && join(env.HOME, ".local/state"));
  const folder = state ? join(state, "wellapi") : dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return openProgressFile(join(folder, `upload-${hash.digest("hex").slice(0, 32)}.progress`));
}

/** Refuses a format that cannot be understood before anything is read. */
function timeFormat(text: string): string {
  createTimeReader(text);
  return text;
}

function delimiter(text: string): string {
  if (text === "tab" || text === "\\t") return "\t";
  if (text.length !== 1) throw new InvalidArgumentError("use one character, or tab");
  return text;
}
