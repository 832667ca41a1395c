import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ObservationBatch, SeriesBatch } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import type { AppendSeriesRequestSchema } from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import type {
  Decimals,
  Series as SeriesMessage,
  SampleTimes as TimesMessage,
} from "@wellapi/gen/wellapi/type/v1/series_pb";
import type { Batch, Findings } from "./batch.ts";
import type { DecimalColumn } from "./decimal-column.ts";
import type { Observation } from "./observation.ts";
import { toInstant, toObservation } from "./observation-convert.ts";
import type { SampleTimes } from "./sample-times.ts";
import type { Series, SeriesValues } from "./series.ts";
import type { Start } from "./start.ts";

/** Assumes nothing about the items: no rule was checked for them. Columns are not copied. */
export function toSeriesBatch({ timeZone, series }: SeriesBatch): Batch<Series> {
  return { timeZone, items: series.map(toSeries) };
}

/** As `toSeriesBatch`. */
export function toObservationBatch({ timeZone, observations }: ObservationBatch): Batch<Observation> {
  return { timeZone, items: observations.map(toObservation) };
}

/** The parts that AppendSeriesRequest and AppendObservationsRequest share. */
export function fromFindings({
  rejections,
  resolvedTimes,
}: Findings): Pick<MessageInitShape<typeof AppendSeriesRequestSchema>, "rejections" | "resolvedTimes"> {
  return {
    rejections: rejections.map(({ index, violations }) => ({
      index,
      violations: violations.map((violation) => ({ ...violation })),
    })),
    resolvedTimes: resolvedTimes.map(({ index, timeMs, offsetMinutes }) => ({
      index,
      timeMs: BigInt(timeMs),
      utcOffsetMinutes: offsetMinutes,
    })),
  };
}

function toSeries({ code, unit, device, method, granularity, times, values }: SeriesMessage): Series {
  return {
    coding: code,
    unit,
    device,
    method,
    granularity,
    times: times && toTimes(times),
    values: toSeriesValues(values),
  };
}

function toTimes({ start, utcOffsetMinutes, spacing, durationMs, durationsMs }: TimesMessage): SampleTimes {
  return {
    start: toStart(start),
    offsetMinutes: utcOffsetMinutes,
    spacing: toSpacing(spacing),
    durationMs,
    durationsMs,
  };
}

function toStart(start: TimesMessage["start"]): Start {
  switch (start.case) {
    case "startTime":
      return toInstant(start.value);
    case "startTimeText":
      return { kind: "text", text: start.value };
    default:
      return { kind: "none" };
  }
}

function toSpacing(spacing: TimesMessage["spacing"]): SampleTimes["spacing"] {
  switch (spacing.case) {
    case "gaps":
      return { kind: "gaps", gapsMs: spacing.value.gapsMs };
    case "periodMs":
      return { kind: "period", periodMs: spacing.value };
    default:
      return { kind: "none" };
  }
}

function toSeriesValues(values: SeriesMessage["values"]): SeriesValues | undefined {
  switch (values.case) {
    case "decimals":
      return { kind: "quantity", ...toColumn(values.value) };
    case "coded":
      return { kind: "coded", dictionary: values.value.dictionary, indexes: values.value.indexes };
    case "components":
      return {
        kind: "components",
        components: values.value.components.map(({ code, unit, decimals }) => ({
          coding: code,
          unit,
          decimals: decimals && toColumn(decimals),
        })),
      };
    default:
      return undefined;
  }
}

function toColumn({ scale, mantissas, wideMantissas, values }: Decimals): DecimalColumn {
  return { scale, mantissas, wideMantissas, texts: values };
}
