import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { type SeriesBatch, SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import type { SampleTimesSchema, SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Person, Series } from "../person.ts";
import type { Reading } from "../signals.ts";
import type { Range } from "./windows.ts";

const granularities = { "quarter-hour": Granularity.QUARTER_HOUR, episode: Granularity.EPISODE } as const;

/**
 * What the person's devices measured in one window, under the sender's own id of the patient; undefined: nothing. Its id is a digest of
 * what is in it, so that the same data is the same batch. That of a week is far below a batch's limits.
 */
export function batchOf(person: Person, patient: string, { fromMs, toMs }: Range): SeriesBatch | undefined {
  const series = person.series.flatMap((one) =>
    Array.from(runsOfOneOffset(one.readings(fromMs, toMs)), (run) => seriesOf(one, run)),
  );
  if (series.length === 0) return undefined;
  const batch = create(SeriesBatchSchema, { patient, series });
  batch.requestId = `sandbox-${bytesToHex(sha256(toBinary(SeriesBatchSchema, batch))).slice(0, 40)}`;
  return batch;
}

/** How many samples an item of a batch holds. */
export function samplesIn({ series }: SeriesBatch, item: number): number {
  const values = series[item]?.values;
  return values?.case === "decimals" ? values.value.mantissas.length : 0;
}

/** A series across a change of the clocks is two. */
function* runsOfOneOffset(readings: Iterable<Reading>): Generator<readonly [Reading, ...Reading[]]> {
  let run: [Reading, ...Reading[]] | undefined;
  for (const reading of readings) {
    if (run?.[0].offsetMinutes === reading.offsetMinutes) {
      run.push(reading);
      continue;
    }
    if (run !== undefined) yield run;
    run = [reading];
  }
  if (run !== undefined) yield run;
}

function seriesOf(
  { code, unit, device, granularity }: Series,
  run: readonly [Reading, ...Reading[]],
): MessageInitShape<typeof SeriesSchema> {
  const [first, ...rest] = run;
  const gapsMs = rest.map(({ timeMs }, i) => timeMs - run[i]!.timeMs);
  const durationsMs = run.map(({ durationMs }) => durationMs);
  return {
    code: { code },
    unit,
    device: { identifier: `sandbox ${device}` },
    method: CaptureMethod.SENSED,
    ...(granularity !== undefined && { granularity: granularities[granularity] }),
    times: {
      start: { case: "startTime", value: timestampFromMs(first.timeMs) },
      utcOffsetMinutes: first.offsetMinutes,
      ...(gapsMs.length > 0 && { spacing: spacingOf(gapsMs) }),
      ...(allSame(durationsMs) ? { durationMs: first.durationMs } : { durationsMs }),
    },
    values: {
      case: "decimals",
      // A signal has one scale.
      value: { scale: first.scale, mantissas: run.map(({ mantissa }) => mantissa) },
    },
  };
}

function spacingOf(gapsMs: number[]): NonNullable<MessageInitShape<typeof SampleTimesSchema>["spacing"]> {
  return allSame(gapsMs) ? { case: "periodMs", value: gapsMs[0]! } : { case: "gaps", value: { gapsMs } };
}

function allSame(values: readonly number[]): boolean {
  return values.every((value) => value === values[0]);
}
