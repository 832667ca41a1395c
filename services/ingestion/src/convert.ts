import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { ObservationBatch, SeriesBatch } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import type { AppendSeriesRequestSchema } from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import type { Observation as ObservationMessage } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import type {
  Decimals,
  Series as SeriesMessage,
  SampleTimes as TimesMessage,
} from "@wellapi/gen/wellapi/type/v1/series_pb";
import type { Batch, Findings } from "./batch.ts";
import type { Observation, ObservationValue } from "./observation.ts";
import type { DecimalColumn, SampleTimes, Series, SeriesValues } from "./series.ts";
import type { Start } from "./start.ts";

/** The messages keep the contract's rules (`required` above all): they were validated. Columns are not copied. */
export function toSeriesBatch({ timeZone, series }: SeriesBatch): Batch<Series> {
  return { timeZone, items: series.map(toSeries) };
}

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

function toSeries({ code, unit, times, values }: SeriesMessage): Series {
  return { coding: code!, unit, times: toTimes(times!), values: toSeriesValues(values) };
}

function toTimes({ start, utcOffsetMinutes, spacing, durationMs }: TimesMessage): SampleTimes {
  return {
    start: start.case === "startTime" ? toInstant(start.value) : { kind: "local", text: start.value ?? "" },
    offsetMinutes: utcOffsetMinutes,
    spacing:
      spacing.case === "gaps"
        ? { kind: "gaps", gapsMs: spacing.value.gapsMs }
        : { kind: "period", periodMs: spacing.value ?? 0 },
    durationMs,
  };
}

function toInstant({ seconds, nanos }: Timestamp): Start {
  return { kind: "instant", seconds: Number(seconds), nanos };
}

function toSeriesValues(values: SeriesMessage["values"]): SeriesValues {
  switch (values.case) {
    case "decimals":
      return { kind: "quantity", ...toColumn(values.value) };
    case "coded":
      return { kind: "coded", dictionary: values.value.dictionary, indexes: values.value.indexes };
    case "components":
      return {
        kind: "components",
        components: values.value.components.map(({ code, unit, decimals }) => ({
          coding: code!,
          unit,
          ...toColumn(decimals!),
        })),
      };
    default:
      throw new RangeError("a series without values was not validated");
  }
}

function toColumn({ scale, mantissas, wideMantissas }: Decimals): DecimalColumn {
  return { scale, mantissas, wideMantissas };
}

function toObservation(message: ObservationMessage): Observation {
  const { code, effective, utcOffsetMinutes, durationMs, value } = message;
  return {
    coding: code!,
    time: {
      start:
        effective.case === "effectiveTime"
          ? toInstant(effective.value)
          : { kind: "local", text: effective.value ?? "" },
      offsetMinutes: utcOffsetMinutes,
    },
    durationMs: Number(durationMs),
    value: toObservationValue(value),
  };
}

function toObservationValue(value: ObservationMessage["value"]): ObservationValue {
  switch (value.case) {
    case "quantity":
      return { kind: "quantity", value: value.value.value, unit: value.value.unit };
    case "coded":
      return { kind: "coded", coding: value.value };
    case "components":
      return {
        kind: "components",
        components: value.value.components.map(({ code, quantity }) => ({
          coding: code!,
          value: quantity!.value,
          unit: quantity!.unit,
        })),
      };
    default:
      throw new RangeError("an observation without a value was not validated");
  }
}
