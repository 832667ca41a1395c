import { timestampMs } from "@bufbuild/protobuf/wkt";
import { exactNumber, type FhirObject, type FhirResource } from "@wellapi/fhir-r4";
import type { SourcedSeries } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { ComponentColumn, Decimals, Series } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { categoriesOf, conceptOf, measuredCodings, methodOf } from "./coding.ts";
import { effectiveOf } from "./fhir-time.ts";
import { fhirPatientId, formatLogicalId } from "./logical-id.ts";
import { runsOf, type Sample, type SampleRun, type SampleValue } from "./sample-runs.ts";
import { seriesRecordOf } from "./series-id.ts";
import { deviceOf, metaOf, type View } from "./source-convert.ts";
import { quantityOf, unitOf } from "./value-convert.ts";

/** An Observation made of samples, and when it begins. */
export interface SeriesObservation {
  /** Unix time. */
  readonly ms: number;
  /** When its last interval ends; of instants, the last. */
  readonly endMs: number;
  readonly resource: FhirResource;
}

/** Samples that one Observation may hold: of one source, with the same units and offset. */
interface Column {
  readonly series: SourcedSeries;
  readonly samples: Sample[];
}

/**
 * Samples as FHIR's Observations: evenly spaced runs as SampledData, others one by one. Samples of several messages are joined
 * where they go on, so that it does not matter where a page ended.
 *
 * @param found of whole days of UTC: a run ends with its day
 */
export function seriesObservationsOf(view: View, found: readonly SourcedSeries[]): SeriesObservation[] {
  const disputed = disputedIn(view, found);
  return columnsOf(view, found).flatMap(({ series, samples }) =>
    runsOf(samples).map((run) => {
      const last = run.samples.at(-1)!;
      const isDisputed = disputed(series, run.samples[0]!.ms, last.ms);
      return {
        ms: run.samples[0]!.ms,
        endMs: last.ms + last.durationMs,
        resource: observationOf(view, series, run, isDisputed),
      };
    }),
  );
}

/** Whether the patient disputes any of what was captured from `first` to `last` of a series: each message says it of itself alone. */
function disputedIn({ patient }: View, found: readonly SourcedSeries[]) {
  const marked = found.filter(({ source }) => source !== undefined && source.disputed.length > 0);
  const bySeries = Map.groupBy(marked, (one) => seriesRecordOf(patient, one, 0));
  return (series: SourcedSeries, first: number, last: number): boolean => {
    if (marked.length === 0) return false;
    const intervals = bySeries
      .get(seriesRecordOf(patient, series, 0))
      ?.flatMap((one) => one.source!.disputed);
    return (intervals ?? []).some(
      ({ startTime, endTime }) =>
        (startTime === undefined || timestampMs(startTime) <= last) &&
        (endTime === undefined || first < timestampMs(endTime)),
    );
  };
}

const dayMs = 86_400_000;

function columnsOf({ patient }: View, found: readonly SourcedSeries[]): Column[] {
  const open = new Map<string, Column & { readonly key: string }>();
  const columns: Column[] = [];
  for (const one of found) {
    const identity = seriesRecordOf(patient, one, 0);
    for (const sample of samplesOf(one.series!)) {
      const key = JSON.stringify([Math.floor(sample.ms / dayMs), formatOf(one)]);
      const last = open.get(identity);
      if (last?.key === key) {
        last.samples.push(sample);
        continue;
      }
      const column = { key, series: one, samples: [sample] };
      open.set(identity, column);
      columns.push(column);
    }
  }
  return columns;
}

/** What all samples of an Observation share. */
function formatOf({ series, source }: SourcedSeries) {
  const { values, unit, times } = series!;
  const components = values.case === "components" ? values.value.components : [];
  const columns = components.map(({ code, unit: own }) => [code?.system, code?.code, own]);
  return [source?.application, source?.deviceModel, unit, times?.utcOffsetMinutes, values.case, columns];
}

function samplesOf({ times, values }: Series): Sample[] {
  const sampled = valuesOf(values);
  const { start, spacing, durationMs, durationsMs } = times!;
  let ms = start.case === "startTime" ? timestampMs(start.value) : Number.NaN;
  return sampled.map((value, at) => {
    if (at > 0 && spacing.case === "periodMs") ms += spacing.value;
    if (at > 0 && spacing.case === "gaps") ms += spacing.value.gapsMs[at - 1]!;
    return { ms, durationMs: durationsMs[at] ?? durationMs, value };
  });
}

function valuesOf(values: Series["values"]): SampleValue[] {
  switch (values.case) {
    case "decimals":
      return textsOf(values.value).map((number) => ({ kind: "numbers", numbers: [number] }));
    case "components": {
      const columns = values.value.components.map(({ decimals }) => textsOf(decimals!));
      return columns[0]!.map((_, at) => ({ kind: "numbers", numbers: columns.map((column) => column[at]!) }));
    }
    case "coded": {
      const { dictionary, indexes } = values.value;
      return indexes.map((index) => ({ kind: "code", code: dictionary[index]! }));
    }
    case undefined:
      return [];
  }
}

/** With as many digits after the point as `scale` says. */
function textsOf({ scale, mantissas, wideMantissas, values }: Decimals): string[] {
  if (values.length > 0) return [...values];
  const whole: readonly (number | bigint)[] = wideMantissas.length > 0 ? wideMantissas : mantissas;
  return whole.map((mantissa) => pointed(String(mantissa), scale));
}

function pointed(digits: string, scale: number): string {
  if (scale === 0) return digits;
  const negative = digits.startsWith("-");
  const bare = (negative ? digits.slice(1) : digits).padStart(scale + 1, "0");
  return `${negative ? "-" : ""}${bare.slice(0, -scale)}.${bare.slice(-scale)}`;
}

function observationOf(
  view: View,
  { series, source }: SourcedSeries,
  run: SampleRun,
  disputed: boolean,
): FhirResource {
  const { patient } = view;
  const first = run.samples[0]!;
  const last = run.samples.at(-1)!;
  const { code, times, values, unit, method } = series!;
  const spanMs = last.ms - first.ms + last.durationMs;
  const components = values.case === "components" ? values.value.components : [];
  return {
    resourceType: "Observation",
    id: formatLogicalId({ patient, record: seriesRecordOf(patient, { series, source }, first.ms) }),
    ...metaOf(view, source, { disputed }),
    status: "final",
    category: categoriesOf(code!.code),
    code: { coding: measuredCodings(code!) },
    subject: { reference: `Patient/${fhirPatientId(patient)}` },
    ...effectiveOf(first.ms, spanMs, times?.utcOffsetMinutes ?? 0),
    ...(components.length === 0 ? valueElementOf(run, 0, unit) : {}),
    ...methodOf(undefined, source?.method ?? method),
    ...deviceOf(view, source),
    ...(components.length > 0 && { component: components.map((one, at) => componentOf(run, one, at)) }),
  };
}

function componentOf(run: SampleRun, { code, unit }: ComponentColumn, at: number): FhirObject {
  return { code: conceptOf(code!), ...valueElementOf(run, at, unit) };
}

function valueElementOf({ samples, periodMs }: SampleRun, column: number, unit: string): FhirObject {
  const { value } = samples[0]!;
  if (value.kind === "code") return { valueCodeableConcept: conceptOf(value.code) };
  if (periodMs === undefined) return { valueQuantity: quantityOf({ value: value.numbers[column]!, unit }) };
  const numbers = samples.flatMap((sample) =>
    sample.value.kind === "numbers" ? [sample.value.numbers[column]!] : [],
  );
  return {
    valueSampledData: {
      origin: { value: exactNumber("0"), ...unitOf(unit) },
      period: periodMs,
      dimensions: 1,
      data: numbers.join(" "),
    },
  };
}
