import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { samplesOf } from "@wellapi/client";
import { type SeriesBatch, SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import type { SourcedSeries } from "@wellapi/gen/wellapi/records/v1/records_pb";

export const code = "8867-4";
export const samplesPerBatch = 20;
const epoch = Date.parse("2026-01-01T00:00:00Z");
/** Batch 0 has 60.000 beats a minute, batch 1 has 60.001. */
const least = 60_000;
const prefix = "chaos-";

/** Each batch has its own place in time, and its values are its number: a misplaced batch is visible. */
export function batchOf(number: number, patient: string): SeriesBatch {
  return create(SeriesBatchSchema, {
    requestId: `${prefix}${number}`,
    patient,
    series: [
      {
        code: { code },
        unit: "/min",
        times: {
          start: { case: "startTime", value: timestampFromMs(placeOf(number)) },
          utcOffsetMinutes: 0,
          spacing: { case: "periodMs", value: 1000 },
        },
        values: {
          case: "decimals",
          value: { scale: 3, mantissas: new Array<number>(samplesPerBatch).fill(least + number) },
        },
      },
    ],
  });
}

export function numberOf(requestId: string): number | undefined {
  return requestId.startsWith(prefix) ? Number(requestId.slice(prefix.length)) : undefined;
}

export function intervalOf(number: number) {
  const startMs = placeOf(number);
  return {
    startTime: timestampFromMs(startMs),
    endTime: timestampFromMs(startMs + samplesPerBatch * 1000),
  };
}

/** A block as it was read. */
export interface Block {
  /** That its first sample names. */
  readonly number: number;
  /** The clinic's token of the batch that it came with; empty where it was not watched. */
  readonly batch: string;
  /** Whether it is, sample by sample, what was sent under this number. */
  readonly intact: boolean;
}

export function blockOf(run: SourcedSeries): Block {
  const samples = samplesOf(run);
  const number = numberIn(samples[0]?.value);
  const intact =
    samples.length === samplesPerBatch &&
    samples.every(
      ({ timeMs, value }, i) => numberIn(value) === number && timeMs === placeOf(number) + i * 1000,
    );
  return { number, batch: run.batch, intact };
}

function numberIn(value: string | undefined): number {
  return Math.round(Number(value) * 1_000) - least;
}

function placeOf(number: number): number {
  return epoch + number * samplesPerBatch * 1000;
}
