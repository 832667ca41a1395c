import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { batchesOf, uploadSeries } from "@wellapi/client";
import {
  ItemOutcome_Status,
  type SeriesBatch,
  SeriesBatchSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createPerson, type Reading, type Series } from "@wellapi/sandbox-people";
import { CliError } from "../failure.ts";
import { samplesIn } from "../sample-count.ts";
import type { Range, SandboxFolder } from "./state.ts";

export interface Sent {
  /** Samples that are stored now, and those that were stored before. */
  readonly accepted: number;
  readonly duplicate: number;
}

const granularities = { "quarter-hour": Granularity.QUARTER_HOUR, episode: Granularity.EPISODE } as const;
/** Far below a message's limits of 64 series, 100,000 samples and 1 MiB. */
const most = { series: 32, samplesInSeries: 2_000, samples: 8_000 };

/**
 * Sends what the people's devices measured in the range, by the devices' organization. Interrupted and called again for what the
 * state says is under way, it sends the same batches. Throws CliError `input` where the exchange refuses any.
 */
export async function sendReadings(devices: Transport, folder: SandboxFolder, range: Range): Promise<Sent> {
  folder.save({ sending: range });
  const sent = { accepted: 0, duplicate: 0 };
  const problems = new Set<string>();
  await uploadSeries(createClient(IngestionService, devices), batchesIn(folder, range), {
    onAnswer(batch, answer) {
      if ("failure" in answer) {
        problems.add(`${answer.failure.reason}: ${answer.failure.message}`);
        return;
      }
      answer.receipt.items.forEach(({ status, violations }, i) => {
        const samples = samplesIn(batch.series[i]);
        if (status === ItemOutcome_Status.ACCEPTED) sent.accepted += samples;
        else if (status === ItemOutcome_Status.DUPLICATE) sent.duplicate += samples;
        else for (const { field, description } of violations) problems.add(`${field}: ${description}`);
      });
    },
  });
  if (problems.size > 0) throw new CliError("input", [...problems].slice(0, 10).join("\n"));
  folder.save({ sending: undefined, sentToMs: range.toMs });
  return sent;
}

/** Person by person, as each one's devices would send. */
async function* batchesIn(folder: SandboxFolder, { fromMs, toMs }: Range): AsyncGenerator<SeriesBatch> {
  const { names, people, seed } = folder.state();
  for (const name of names) {
    const person = people?.[name];
    if (person === undefined || person.erased) continue;
    yield* packed(
      person.atDevices,
      createPerson(name, seed).series.map((series) => oneSeries(person.atDevices, series, fromMs, toMs)),
    );
  }
}

/** Batches of one series each. Intervals of different lengths are different series. */
async function* oneSeries(
  patient: string,
  { code, unit, device, granularity, readings }: Series,
  fromMs: number,
  toMs: number,
): AsyncGenerator<SeriesBatch> {
  for (const run of runsOfOneLength(readings(fromMs, toMs))) {
    yield* batchesOf(asynchronous(run), {
      patient,
      code,
      unit,
      device: `sandbox ${device}`,
      method: CaptureMethod.SENSED,
      durationMs: run[0]!.durationMs,
      ...(granularity === undefined ? {} : { granularity: granularities[granularity] }),
      samplesPerBatch: most.samplesInSeries,
    });
  }
}

function* runsOfOneLength(readings: Iterable<Reading>): Generator<Reading[]> {
  let run: Reading[] = [];
  for (const reading of readings) {
    if (run.length > 0 && reading.durationMs !== run[0]!.durationMs) {
      yield run;
      run = [];
    }
    run.push(reading);
  }
  if (run.length > 0) yield run;
}

async function* asynchronous<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

/** Fewer and larger batches: a device sends at once what it has. Their ids are digests, so that the same data is the same batch. */
async function* packed(
  patient: string,
  sources: readonly AsyncIterable<SeriesBatch>[],
): AsyncGenerator<SeriesBatch> {
  let pack: SeriesBatch[] = [];
  let samples = 0;
  for (const source of sources) {
    for await (const batch of source) {
      const more = samplesIn(batch.series[0]);
      if (pack.length >= most.series || (pack.length > 0 && samples + more > most.samples)) {
        yield joined(patient, pack);
        pack = [];
        samples = 0;
      }
      pack.push(batch);
      samples += more;
    }
  }
  if (pack.length > 0) yield joined(patient, pack);
}

function joined(patient: string, batches: readonly SeriesBatch[]): SeriesBatch {
  const digest = createHash("sha256");
  for (const { requestId } of batches) digest.update(requestId);
  return create(SeriesBatchSchema, {
    patient,
    requestId: `sandbox-${digest.digest("hex").slice(0, 40)}`,
    series: batches.flatMap(({ series }) => series),
  });
}
