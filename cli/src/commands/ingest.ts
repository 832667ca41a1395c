import { createClient } from "@connectrpc/connect";
import { type Answer, batchesOf, openProgressFile, uploadSeries } from "@wellapi/client";
import { ItemOutcome_Status, type SeriesBatch } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Command } from "commander";
import { count, oneOf } from "../arguments.ts";
import { connectDoor } from "../connection.ts";
import { readRows } from "../csv.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";
import { addConnectionOptions, type Settings, settingsOf } from "../settings.ts";

interface IngestOptions {
  patient: string;
  code: string;
  unit: string;
  timeColumn?: string;
  valueColumn?: string;
  timeZone?: string;
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

function samplesIn(batch: SeriesBatch): number {
  const values = batch.series[0]?.values;
  if (values?.case !== "decimals") return 0;
  return values.value.mantissas.length || values.value.wideMantissas.length;
}

function note(tally: Tally, batch: SeriesBatch, answer: Answer): void {
  const samples = samplesIn(batch);
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
    .description("stream a CSV file with a time and a value column; goes on after a cut, repeats nothing")
    .requiredOption("--patient <id>", "the patient, by the organization's own id (see consent list)")
    .requiredOption("--code <loinc>", "LOINC code, for example 8867-4 (heart rate)")
    .requiredOption("--unit <ucum>", "UCUM unit, for example /min")
    .option("--time-column <name>", "default: the first with time or date in its name")
    .option("--value-column <name>", "default: the first with value in its name")
    .option("--time-zone <iana>", "zone of times that carry none")
    .option("--device <serial>", "the device's identifier")
    .option(
      "--duration <seconds>",
      "length of the interval that each value is about; 0: an instant",
      count,
      0,
    )
    .option(
      "--granularity <word>",
      `the class of that length, needed with --duration: ${Object.keys(granularities).join(", ")}`,
      oneOf(granularities),
    )
    .option("--batch <samples>", "samples a message", count, 1000)
    .addHelpText(
      "after",
      "\nExample: wellapi ingest minute-heart-rate.csv --credentials ./pulse --patient pat_... \\\n" +
        "           --code 8867-4 --unit /min --time-zone UTC",
    )
    .action((file: string, options: IngestOptions, command: Command) =>
      ingest(file, options, settingsOf(command, io), io),
    );
}

async function ingest(file: string, options: IngestOptions, settings: Settings, io: Io): Promise<void> {
  if (options.duration > 0 && options.granularity === undefined) {
    throw new CliError(
      "input",
      "--duration needs --granularity: say whether values are of a minute, an hour ...",
    );
  }
  const client = createClient(IngestionService, connectDoor(settings));
  // A first pass checks every row, so that a bad row is found before the first batch is sent.
  let total = 0;
  for await (const _row of readRows(file, options)) total += 1;
  if (total === 0) throw new CliError("input", `${file} has no rows`);

  const progress = openProgressFile(`${file}.wellapi-progress`);
  const tally: Tally = { accepted: 0, duplicate: 0, rejected: 0, failed: 0, batches: [], problems: [] };
  let skipped = 0;
  const output = createOutput(io, settings.json);
  const bar = output.bar(total);

  const batches = batchesOf(readRows(file, options), {
    ...options,
    method: CaptureMethod.SENSED,
    durationMs: options.duration * 1000,
    samplesPerBatch: options.batch,
  });
  try {
    await uploadSeries(client, batches, {
      progress,
      onAnswer: (batch, answer) => {
        note(tally, batch, answer);
        bar.increment(samplesIn(batch));
      },
      onSkipped: (batch) => {
        skipped += samplesIn(batch);
        bar.increment(samplesIn(batch));
      },
      onCut: ({ message }, attempt) => output.note(`\ncut off (${message}); going on, attempt ${attempt}`),
    });
  } finally {
    bar.stop();
  }
  const complete = tally.rejected + tally.failed === 0;
  if (complete) progress.remove();
  const { problems, ...counts } = tally;
  output.object(
    { samples: total, skipped, ...counts, problems: problems.slice(0, 10) },
    () =>
      `${total} samples: ${tally.accepted} accepted, ${tally.duplicate} were stored before, ${skipped} skipped, ` +
      `${tally.rejected} rejected, ${tally.failed} failed`,
  );
  if (!complete) throw new CliError("input", [...new Set(problems)].slice(0, 10).join("\n"));
}
