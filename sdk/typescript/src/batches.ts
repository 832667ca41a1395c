import { createHash } from "node:crypto";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type SeriesBatch, SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import type { SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import type { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";

/** One value of a series, exact: value = mantissa × 10^−scale. */
export interface Row {
  /** UTC milliseconds. */
  readonly timeMs: number;
  /** Minutes east of UTC. */
  readonly offsetMinutes: number;
  readonly mantissa: number;
  readonly scale: number;
}

/** The common fields of all batches of a source. */
export interface BatchOptions {
  readonly patient: string;
  readonly code: string;
  readonly unit: string;
  readonly device?: string;
  readonly method?: CaptureMethod;
  readonly durationMs: number;
  /** Required with a duration. */
  readonly granularity?: Granularity;
  readonly samplesPerBatch: number;
}

const longestSpanMs = 30 * 86_400_000;
const int32 = 2 ** 31;

/** Groups rows into batches of one series each; the request id is a digest, so a repeated send is safe. */
export async function* batchesOf(
  rows: AsyncIterable<Row>,
  options: BatchOptions,
): AsyncGenerator<SeriesBatch> {
  let chunk: Row[] = [];
  for await (const row of rows) {
    const first = chunk[0];
    const full =
      first !== undefined &&
      (chunk.length >= options.samplesPerBatch ||
        row.offsetMinutes !== first.offsetMinutes ||
        row.timeMs - first.timeMs > longestSpanMs);
    if (full) {
      yield batchOf(chunk, options);
      chunk = [];
    }
    chunk.push(row);
  }
  if (chunk.length > 0) yield batchOf(chunk, options);
}

function batchOf(rows: readonly Row[], options: BatchOptions): SeriesBatch {
  const batch = create(SeriesBatchSchema, { patient: options.patient, series: [seriesOf(rows, options)] });
  const digest = createHash("sha256").update(toBinary(SeriesBatchSchema, batch)).digest("hex");
  batch.requestId = `csv-${digest.slice(0, 40)}`;
  return batch;
}

function seriesOf(rows: readonly Row[], options: BatchOptions): MessageInitShape<typeof SeriesSchema> {
  const first = rows[0]!;
  const gaps = rows.slice(1).map((row, i) => row.timeMs - rows[i]!.timeMs);
  const period = gaps[0] ?? 1;
  const regular = gaps.every((gap) => gap === period);
  // The column has the finest scale of its rows: 52 beside 52.5 is sent as 52.0.
  const scale = Math.max(...rows.map((row) => row.scale));
  const mantissas = rows.map((row) => row.mantissa * 10 ** (scale - row.scale));
  const narrow = mantissas.every((mantissa) => mantissa >= -int32 && mantissa < int32);
  return {
    code: { code: options.code },
    unit: options.unit,
    ...(options.device ? { device: { identifier: options.device } } : {}),
    ...(options.granularity ? { granularity: options.granularity } : {}),
    ...(options.method ? { method: options.method } : {}),
    times: {
      start: { case: "startTime", value: timestampFromMs(first.timeMs) },
      utcOffsetMinutes: first.offsetMinutes,
      spacing: regular ? { case: "periodMs", value: period } : { case: "gaps", value: { gapsMs: gaps } },
      durationMs: options.durationMs,
    },
    values: {
      case: "decimals",
      value: narrow ? { scale, mantissas } : { scale, wideMantissas: mantissas.map(BigInt) },
    },
  };
}
