import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Source, SourcedSeries, StoredObservation } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { type Component, ObservationStatus } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import type { Decimals, SampleTimes, Series } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { shippedTerminology } from "@wellapi/terminology";
import type { ObservationRow, RowSource, SampleRow } from "../files/rows.ts";

/** The samples of a run as rows, in ascending order of time; the components of a sample one after the other. */
export function* sampleRows({ series, source }: SourcedSeries): Generator<SampleRow> {
  if (series === undefined) return;
  const { times } = series;
  const from = sourceOf(source);
  const code = series.code?.code ?? "";
  const display = displayOf(code, series.code?.display);
  const columns = columnsOf(series);
  const offsetMinutes = times?.utcOffsetMinutes ?? 0;
  let at = 0;
  for (const startMs of startsOf(times, columns[0]?.values.length ?? 0)) {
    const endMs = startMs + (times?.durationsMs[at] ?? times?.durationMs ?? 0);
    for (const { component, unit, values, numeric } of columns) {
      const value = values[at];
      if (value === undefined) continue;
      yield { ...from, code, display, component, startMs, endMs, offsetMinutes, value, numeric, unit };
    }
    at++;
  }
}

export function observationRow({ id, observation, source, receiveTime }: StoredObservation): ObservationRow {
  const { code, effective, utcOffsetMinutes = 0, durationMs = 0n, status = 0 } = observation ?? {};
  const startMs = effective?.case === "effectiveTime" ? timestampMs(effective.value) : 0;
  const [value, unit] = valueText(observation?.value);
  return {
    ...sourceOf(source),
    id,
    code: code?.code ?? "",
    display: displayOf(code?.code ?? "", code?.display),
    startMs,
    endMs: startMs + Number(durationMs),
    offsetMinutes: utcOffsetMinutes,
    value,
    unit,
    components: (observation?.components ?? []).map(componentText).join("; "),
    status: status === 0 ? "final" : ObservationStatus[status]!.toLowerCase().replaceAll("_", "-"),
    notes: (observation?.notes ?? []).join(" | "),
    receivedMs: receiveTime === undefined ? 0 : timestampMs(receiveTime),
  };
}

interface Column {
  readonly component: string;
  readonly unit: string;
  readonly values: readonly string[];
  readonly numeric: boolean;
}

function columnsOf({ values, unit }: Series): readonly Column[] {
  switch (values.case) {
    case "decimals":
      return [{ component: "", unit, values: decimalTexts(values.value), numeric: true }];
    case "coded": {
      const { dictionary, indexes } = values.value;
      const texts = indexes.map((index) => dictionary[index]?.code ?? "");
      return [{ component: "", unit: "", values: texts, numeric: false }];
    }
    case "components":
      return values.value.components.map(({ code, unit: own, decimals }) => ({
        component: code?.code ?? "",
        unit: own,
        values: decimals === undefined ? [] : decimalTexts(decimals),
        numeric: true,
      }));
    default:
      return [];
  }
}

function decimalTexts({ scale, mantissas, wideMantissas }: Decimals): readonly string[] {
  return mantissas.length > 0
    ? mantissas.map((mantissa) => decimalText(mantissa, scale))
    : wideMantissas.map((mantissa) => decimalText(mantissa, scale));
}

/** mantissa × 10^−scale with all its digits: 9860 at scale 2 is `98.60`. */
function decimalText(mantissa: number | bigint, scale: number): string {
  const digits = String(mantissa)
    .replace("-", "")
    .padStart(scale + 1, "0");
  const sign = mantissa < 0 ? "-" : "";
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function* startsOf(times: SampleTimes | undefined, count: number): Generator<number> {
  if (times?.start.case !== "startTime") return;
  const { spacing } = times;
  let time = timestampMs(times.start.value);
  for (let at = 0; at < count; at++) {
    if (at > 0 && spacing.case === "periodMs") time += spacing.value;
    if (at > 0 && spacing.case === "gaps") time += spacing.value.gapsMs[at - 1] ?? 0;
    yield time;
  }
}

function valueText(value: Component["value"] | undefined): readonly [value: string, unit: string] {
  switch (value?.case) {
    case "quantity":
      return [value.value.value, value.value.unit];
    case "coded":
      return [value.value.code, ""];
    case "text":
      return [value.value, ""];
    case "boolean":
      return [String(value.value), ""];
    case "integer":
      return [String(value.value), ""];
    case "range": {
      const { low, high } = value.value;
      return [`${low?.value ?? ""}..${high?.value ?? ""}`, low?.unit ?? high?.unit ?? ""];
    }
    case "ratio": {
      const { numerator, denominator } = value.value;
      return [
        `${numerator?.value}:${denominator?.value}`,
        `${numerator?.unit ?? ""}:${denominator?.unit ?? ""}`,
      ];
    }
    default:
      return ["", ""];
  }
}

function componentText({ code, value }: Component): string {
  const [text, unit] = valueText(value);
  return `${code?.code ?? ""}=${text}${unit === "" ? "" : ` ${unit}`}`;
}

function sourceOf(source: Source | undefined): RowSource {
  return {
    organization: source?.organization ?? "",
    device: source?.deviceId ?? "",
    deviceModel: source?.deviceModel ?? "",
    method: word(CaptureMethod[source?.method ?? 0]!),
    granularity: word(Granularity[source?.granularity ?? 0]!),
  };
}

function word(name: string): string {
  return name === "UNSPECIFIED" ? "" : name.toLowerCase().replaceAll("_", "-");
}

export function displayOf(code: string, sent = ""): string {
  return shippedTerminology.findAnyCode(code)?.display ?? sent;
}
