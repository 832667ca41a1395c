import { createHash } from "node:crypto";
import {
  endOfEvenRun,
  exactNumber,
  type FhirObject,
  type FhirResource,
  type TimedSamples,
} from "@wellapi/fhir-r4";
import {
  type Component,
  type Observation,
  ObservationStatus,
} from "@wellapi/gen/wellapi/type/v1/observation_pb";
import type { Coding, Quantity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { encodeId } from "@wellapi/runtime";
import type { Columns } from "@wellapi/series";
import { LOINC, type Terminology } from "@wellapi/terminology";
import type { StoredObservation } from "../blocks/observation-scan.ts";
import { decimalText } from "../read/decimal-text.ts";
import type { CodedRun } from "../read/query-days.ts";
import { observationMessage } from "./observation-convert.ts";
import { codeInit } from "./series-convert.ts";

/**
 * Observations and samples as FHIR's Observations, for a reader who must not learn whose they are. It is a list of what is told: the code, the
 * value with its unit, the day, and how the value was judged. Devices, performers, sites, notes, texts, ranges and senders are not looked at.
 * `deIdentified` judges and moves it once more.
 */

const ucum = "http://unitsofmeasure.org";
/** FHIR's integers have 32 bits. */
const largestInteger = 2 ** 31 - 1;

const statuses: Partial<Record<ObservationStatus, string>> = {
  [ObservationStatus.UNSPECIFIED]: "final",
  [ObservationStatus.PRELIMINARY]: "preliminary",
  [ObservationStatus.FINAL]: "final",
  [ObservationStatus.AMENDED]: "amended",
  [ObservationStatus.CORRECTED]: "corrected",
};

/** Undefined where nothing of the value can be told, or its sender has withdrawn it. */
export function observationResource(
  terminology: Terminology,
  patient: string,
  { batch, record }: StoredObservation,
): FhirResource | undefined {
  const one = observationMessage(terminology, record, false);
  const status = statuses[one.status];
  const component = one.components.flatMap(componentOf);
  const judged = judgedOf(one);
  if (status === undefined || (judged === undefined && component.length === 0)) return undefined;
  return {
    ...headOf(terminology, patient, record.code.code, ["observation", batch, record.item]),
    status,
    ...daysOf(record.time, record.time + record.durationMs, record.offsetMinutes),
    ...judged,
    ...(component.length > 0 && { component }),
  };
}

function headOf(
  terminology: Terminology,
  patient: string,
  code: string,
  place: readonly (string | number)[],
): FhirResource & { readonly resourceType: string } {
  // In the form of a record's id; the export makes an id of its own of it.
  const digest = createHash("sha256").update(JSON.stringify(place)).digest();
  return {
    resourceType: "Observation",
    id: `rec-${encodeId(digest.subarray(0, 16))}`,
    code: conceptOf(codeInit(terminology, code)),
    subject: { reference: `Patient/${patient.replace("_", "-")}` },
  };
}

function conceptOf({ system, code }: Pick<Coding, "system" | "code">): FhirObject {
  return { coding: [{ system: system === "" ? LOINC : system, code }] };
}

function componentOf(component: Component): FhirObject[] {
  const judged = judgedOf(component);
  return judged === undefined ? [] : [{ code: conceptOf(component.code!), ...judged }];
}

function judgedOf({
  value,
  interpretations,
}: Pick<Observation, "value" | "interpretations"> | Component): FhirObject | undefined {
  const told = tellableOf(value);
  if (told === undefined) return undefined;
  return { ...told, ...(interpretations.length > 0 && { interpretation: interpretations.map(conceptOf) }) };
}

/** Texts are not told. */
function tellableOf(value: Observation["value"] | Component["value"]): FhirObject | undefined {
  switch (value.case) {
    case "quantity":
      return { valueQuantity: quantityOf(value.value) };
    case "coded":
      return { valueCodeableConcept: conceptOf(value.value) };
    case "boolean":
      return { valueBoolean: value.value };
    case "integer": {
      const number = Number(value.value);
      if (Math.abs(number) <= largestInteger) return { valueInteger: number };
      return { valueQuantity: quantityOf({ value: String(value.value), unit: "" }) };
    }
    case "range": {
      const { low, high } = value.value;
      return {
        valueRange: {
          ...(low !== undefined && { low: quantityOf(low) }),
          ...(high !== undefined && { high: quantityOf(high) }),
        },
      };
    }
    case "ratio": {
      const { numerator, denominator } = value.value;
      return { valueRatio: { numerator: quantityOf(numerator!), denominator: quantityOf(denominator!) } };
    }
    default:
      return undefined;
  }
}

function quantityOf({ value, unit }: Pick<Quantity, "value" | "unit">): FhirObject {
  return { value: exactNumber(value), ...unitOf(unit) };
}

function unitOf(unit: string): FhirObject {
  return { system: ucum, code: unit === "" ? "1" : unit };
}

/** The days on the patient's own calendar; the time of day is not told. */
function daysOf(from: number, to: number, offsetMinutes: number): FhirObject {
  const [start, end] = [dayOf(from, offsetMinutes), dayOf(to, offsetMinutes)];
  return from === to ? { effectiveDateTime: start } : { effectivePeriod: { start, end } };
}

function dayOf(ms: number, offsetMinutes: number): string {
  return new Date(ms + offsetMinutes * 60_000).toISOString().slice(0, 10);
}

/**
 * Samples as Observations: evenly spaced ones of a day of UTC as SampledData, others one by one.
 *
 * @returns each with the place of its first sample
 */
export function* sampleResources(
  terminology: Terminology,
  patient: string,
  { code, series, run: { columns } }: CodedRun,
): Generator<{ readonly from: number; readonly resource: FhirResource }> {
  const { times, offsetMinutes } = columns;
  const timed: TimedSamples = {
    count: times.length,
    msAt: (place) => times[place]!,
    durationMsAt: (place) => durationAt(columns, place),
  };
  for (let from = 0; from < times.length; ) {
    const to = columns.values.kind === "coded" ? from + 1 : endOfEvenRun(timed, from);
    const last = times[to - 1]!;
    const resource = {
      ...headOf(terminology, patient, code, ["sample", series, times[from]!]),
      status: "final",
      ...daysOf(times[from]!, last + durationAt(columns, to - 1), offsetMinutes),
      ...sampledOf(columns, from, to),
    };
    yield { from, resource };
    from = to;
  }
}

function durationAt({ durationMs }: Columns, at: number): number {
  return typeof durationMs === "number" ? durationMs : durationMs[at]!;
}

function sampledOf(columns: Columns, from: number, to: number): FhirObject {
  const { times, unit, values } = columns;
  const period = to - from > 1 ? times[from + 1]! - times[from]! : undefined;
  switch (values.kind) {
    case "coded":
      return { valueCodeableConcept: conceptOf(values.dictionary[values.indexes[from]!]!) };
    case "decimal":
      return numbersOf(values, unit, from, to, period);
    case "components": {
      const component = values.components.map((one) => ({
        code: conceptOf(one.coding),
        ...numbersOf(one, one.unit, from, to, period),
      }));
      return { component };
    }
  }
}

function numbersOf(
  { scale, mantissas }: { readonly scale: number; readonly mantissas: Float64Array },
  unit: string,
  from: number,
  to: number,
  period: number | undefined,
): FhirObject {
  const texts = Array.from(mantissas.subarray(from, to), (mantissa) => decimalText({ mantissa, scale }));
  if (period === undefined) return { valueQuantity: quantityOf({ value: texts[0]!, unit }) };
  const origin = { value: exactNumber("0"), ...unitOf(unit) };
  return { valueSampledData: { origin, period, dimensions: 1, data: texts.join(" ") } };
}
