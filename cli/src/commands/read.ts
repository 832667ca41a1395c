import { toJson } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import {
  aggregateSeries,
  ClientError,
  listSeries,
  readSeries,
  samplesOf,
  watchSeries,
} from "@wellapi/client";
import {
  type Bucket,
  type BucketSize,
  SeriesInfoSchema,
  type SourceAggregate,
  SourceAggregateSchema,
  type SourcedSeries,
  SourcedSeriesSchema,
} from "@wellapi/gen/wellapi/records/v1/records_pb";
import {
  RecordsService,
  type WatchSeriesResponse,
  WatchSeriesResponseSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Command } from "commander";
import { bucketSizes, codingOf, count, instant, interval, several, wordOption } from "../arguments.ts";
import { connect } from "../connection.ts";
import { disputedNotes } from "../disputed.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, timeText } from "../output.ts";
import { addQueryOptions, purposeOf } from "../query-options.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";
import { addMerge } from "./merge.ts";

interface ReadOptions {
  patient: string;
  code: string;
  from?: number;
  to?: number;
  purpose?: Purpose;
  unit?: string;
  digits?: number;
}

function printSamples({ json, line }: Output, sourced: SourcedSeries): void {
  if (json) {
    line(JSON.stringify(toJson(SourcedSeriesSchema, sourced)));
    return;
  }
  for (const { timeMs, value, unit } of samplesOf(sourced)) {
    line(`${new Date(timeMs).toISOString()},${value},${unit}`);
  }
}

export function addRead(program: Command, io: Io): void {
  addQueryOptions(addConnectionOptions(program.command("read"), io))
    .description("read a patient's samples of one code, as CSV lines: time,value,unit")
    .requiredOption("--code <loinc>", "LOINC code, for example 8867-4 (heart rate), or <system>|<code>")
    .option("--from <time>", "first instant inside", instant)
    .option("--to <time>", "first instant outside", instant)
    .option("--unit <ucum>", "convert to this unit")
    .option(
      "--digits <n>",
      "digits after the point of converted values (default: as many as they have)",
      count,
    )
    .addHelpText(
      "after",
      "\nExample: wellapi read --credentials ./clinic --patient pat_... --code 8867-4 \\\n" +
        "           --from 2016-04-12T00:00:00Z --to 2016-04-13T00:00:00Z",
    )
    .action(async (options: ReadOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(RecordsService, await connect(settings));
      const runs = readSeries(client, {
        patient: options.patient,
        code: codingOf(options.code),
        interval: interval(options.from, options.to),
        purpose: purposeOf(options, settings),
        unit: options.unit ?? "",
        ...(options.digits === undefined ? {} : { digits: options.digits }),
      });
      const output = createOutput(io, settings.json);
      const noteDisputed = disputedNotes(output);
      try {
        let found = false;
        for await (const run of runs) {
          found = true;
          printSamples(output, run);
          noteDisputed(run.source);
        }
        if (!found) output.note("no samples: `wellapi series list` shows the codes and times that there are");
      } catch (cause) {
        if (!(cause instanceof ClientError) || cause.code !== "cut") throw cause;
        const message = "the answer was cut off: what was printed is not all; read again";
        throw new CliError("cut", message, { cause });
      }
    });
}

/** A watch that is refused has ended by then. */
const quietMs = 1_000;

interface WatchOptions {
  patient: string;
  code: string[];
  purpose?: Purpose;
  resume?: string;
}

export function addWatch(program: Command, io: Io): void {
  addQueryOptions(addConnectionOptions(program.command("watch"), io))
    .description("print what arrives, until the consent ends or Ctrl-C; connects again where it was cut")
    .requiredOption("--code <loinc...>", "LOINC codes, or <system>|<code>", several(String))
    .option("--resume <token>", "go on where an earlier watch of the same query was: its last resumeToken")
    .addHelpText("after", "\nExample: wellapi watch --credentials ./clinic --patient pat_... --code 8867-4")
    .action(async (options: WatchOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(RecordsService, await connect(settings));
      const output = createOutput(io, settings.json);
      const request = {
        patient: options.patient,
        codes: options.code.map(codingOf),
        purpose: purposeOf(options, settings),
      };
      const noteDisputed = disputedNotes(output);
      const messages = watchSeries(client, request, {
        resumeToken: options.resume ?? "",
        signal: io.interrupted(),
        onCut: ({ message }) => output.note(`${message}; connecting again: what was cut comes once more`),
      });
      // On a watch of a quiet code nothing else is printed, and it looks as if it hung.
      const quiet = setTimeout(() => output.note("waiting for what arrives; Ctrl-C ends it"), quietMs);
      try {
        for await (const message of messages) {
          clearTimeout(quiet);
          printWatched(output, message);
          if (message.payload.case === "series") noteDisputed(message.payload.value.source);
        }
      } finally {
        clearTimeout(quiet);
      }
    });
}

function printWatched(output: Output, message: WatchSeriesResponse): void {
  const { payload } = message;
  if (output.json) output.line(JSON.stringify(toJson(WatchSeriesResponseSchema, message)));
  else if (payload.case === "series") printSamples(output, payload.value);
  else if (payload.case === "retraction") {
    const { batch, codes, interval } = payload.value;
    const [from, to] = [timeText(interval?.startTime), timeText(interval?.endTime)];
    const named = codes.map(({ code }) => code).join(", ");
    output.line(`# taken back: ${named} of batch ${batch}, from ${from} to before ${to}`);
  }
}

export function addAggregate(program: Command, io: Io): void {
  addQueryOptions(addConnectionOptions(program.command("aggregate"), io))
    .description("count, min, max, mean and sum by bucket of the patient's own calendar")
    .requiredOption("--code <loinc>", "LOINC code, or <system>|<code>")
    .addOption(wordOption("--by <word>", "the length of a bucket", bucketSizes).makeOptionMandatory())
    .requiredOption("--from <time>", "first instant inside", instant)
    .requiredOption("--to <time>", "first instant outside", instant)
    .option("--unit <ucum>", "convert to this unit")
    .option(
      "--digits <n>",
      "digits after the point of means and converted values (default: as many as they have)",
      count,
    )
    .addHelpText(
      "after",
      "\nExample: wellapi aggregate --credentials ./clinic --patient pat_... --code 8867-4 --by day \\\n" +
        "           --from 2016-04-01T00:00:00Z --to 2016-05-01T00:00:00Z",
    )
    .action(async (options: ReadOptions & { by: BucketSize }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(RecordsService, await connect(settings));
      const aggregates = await Array.fromAsync(
        aggregateSeries(client, {
          patient: options.patient,
          code: codingOf(options.code),
          interval: interval(options.from, options.to),
          purpose: purposeOf(options, settings),
          bucketSize: options.by,
          unit: options.unit ?? "",
          ...(options.digits === undefined ? {} : { digits: options.digits }),
        }),
      );
      const output = createOutput(io, settings.json);
      if (settings.json) {
        output.rows(SourceAggregateSchema, aggregates, [], () => []);
        return;
      }
      const noteDisputed = disputedNotes(output);
      for (const { source } of aggregates) noteDisputed(source);
      const rows = aggregates.flatMap((aggregate) =>
        aggregate.buckets.map((bucket) => ({ aggregate, bucket })),
      );
      for (const { aggregate, bucket } of rows) {
        output.line(`${timeText(bucket.startTime)} ${bucketText(aggregate, bucket)}`);
      }
      if (rows.length === 0) output.line("none");
    });
}

function bucketText({ component, unit }: SourceAggregate, bucket: Bucket): string {
  const { count, min = "withheld", mean, max = "withheld", sum, codeTimes, partial } = bucket;
  const part = partial ? " (a part)" : "";
  if (codeTimes.length > 0) {
    const times = codeTimes.map(({ value, duration }) => {
      return `${value?.code} ${Number((durationMs(duration!) / 60_000).toFixed(1))} min`;
    });
    return `count ${count} ${times.join(", ")}${part}`;
  }
  const named = component?.code ? `${component.code} ` : "";
  return `${named}count ${count} min ${min} mean ${mean} max ${max} sum ${sum} ${unit}${part}`;
}

export function addSeries(program: Command, io: Io): void {
  const series = program.command("series").description("what there is of a patient, and one line of it");
  addMerge(series, io);
  addQueryOptions(addConnectionOptions(series.command("list"), io))
    .description("list codes, sources, spans and counts of what may be read")
    .option("--code <loinc...>", "only these: LOINC codes, or <system>|<code>", several(String))
    .addHelpText("after", "\nExample: wellapi series list --credentials ./clinic --patient pat_...")
    .action(async (options: { patient: string; code?: string[]; purpose?: Purpose }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(RecordsService, await connect(settings));
      const found = await Array.fromAsync(
        listSeries(client, {
          patient: options.patient,
          codes: (options.code ?? []).map(codingOf),
          purpose: purposeOf(options, settings),
        }),
      );
      const output = createOutput(io, settings.json);
      const noteDisputed = disputedNotes(output);
      for (const { source } of found) noteDisputed(source);
      output.rows(
        SeriesInfoSchema,
        found,
        ["code", "what", "unit", "from", "to", "samples", "organization", "device"],
        ({ code, units, span, count, source }) => [
          code?.code ?? "",
          code?.display ?? "",
          units.join(" "),
          timeText(span?.startTime),
          timeText(span?.endTime),
          count ?? "not told",
          source?.organization ?? "",
          source?.deviceModel || source?.deviceId || "",
        ],
      );
    });
}
