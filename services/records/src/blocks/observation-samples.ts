import type { Coding, Columns } from "@wellapi/series";
import { shippedTerminology } from "@wellapi/terminology";
import type { ObservationRecord, Quantity } from "../model/observation.ts";
import { type Source, sourceKey, sourceOf } from "../model/provenance.ts";
import { rankOf, sequenceOf } from "../model/rank.ts";
import type { Run } from "./winners.ts";

/** A number of an observation. */
interface SampleNumber {
  /** Null for the observation's one value. */
  readonly coding: Coding | null;
  readonly unit: string;
  readonly scale: number;
  readonly mantissa: number;
}

/** An observation as a sample. */
export interface ObservedSample {
  readonly time: number;
  readonly rank: number;
  readonly source: Source;
  readonly offsetMinutes: number;
  readonly durationMs: number;
  readonly numbers: readonly SampleNumber[];
  /** Samples of one format may be columns of one run. */
  readonly format: string;
}

/** Whether the observation is also read as a sample: its value is one number, or several. */
export function isSample({ value }: Pick<ObservationRecord, "value">): boolean {
  return value !== undefined && value.kind !== "coded";
}

/** Undefined where it is no sample. */
export function sampleOf(record: ObservationRecord, sequence: number): ObservedSample | undefined {
  const numbers = numbersOf(record);
  if (numbers === undefined) return undefined;
  const { time, item, offsetMinutes, durationMs, provenance } = record;
  const columns = numbers.map(({ coding, unit, scale }) => [coding?.system, coding?.code, unit, scale]);
  const format = JSON.stringify([sourceKey(provenance), offsetMinutes, durationMs, columns]);
  const rank = rankOf(sequence, item);
  return { time, rank, source: sourceOf(provenance), offsetMinutes, durationMs, numbers, format };
}

function numbersOf({ value, code }: ObservationRecord): SampleNumber[] | undefined {
  switch (value?.kind) {
    case "quantity":
      return [numberOf(null, value.quantity)];
    case "integer":
      return [{ coding: null, unit: unitOfIntegers(code.code), scale: 0, mantissa: value.integer }];
    case "components":
      return value.components.map(({ coding, quantity }) => numberOf(coding, quantity));
    default:
      return undefined;
  }
}

/** An integer names no unit: a count is in its code's own (`{steps}`). */
function unitOfIntegers(code: string): string {
  const definition = shippedTerminology.findAnyCode(code);
  return definition?.kind === "quantity" ? definition.unit : "1";
}

function numberOf(coding: Coding | null, { value, unit }: Quantity): SampleNumber {
  const point = value.indexOf(".");
  const scale = point < 0 ? 0 : value.length - point - 1;
  return { coding, unit, scale, mantissa: Number(value.replace(".", "")) };
}

/** By time, then by commit and position in the batch: later observations do not change this order. */
export function inOrder(a: ObservedSample, b: ObservedSample): number {
  return a.time - b.time || a.rank - b.rank;
}

/**
 * Runs of one format with ascending times. Samples at one time are all shown, each in a separate run.
 *
 * @param samples in order
 */
export function observedRuns(samples: readonly ObservedSample[]): Run[] {
  const runs: ObservedSample[][] = [];
  for (const sample of samples) {
    const last = runs.at(-1)?.at(-1);
    if (last !== undefined && last.format === sample.format && last.time < sample.time)
      runs.at(-1)!.push(sample);
    else runs.push([sample]);
  }
  return runs.map(runOf);
}

function runOf(samples: readonly ObservedSample[]): Run {
  const { source, offsetMinutes, durationMs } = samples[0]!;
  const columns: Columns = {
    times: Float64Array.from(samples, ({ time }) => time),
    offsetMinutes,
    durationMs,
    ...valuesOf(samples),
  };
  const ranks = () => Float64Array.from(samples, ({ rank }) => rank);
  const sequence = samples.reduce((highest, { rank }) => Math.max(highest, sequenceOf(rank)), 0);
  return { source, columns, sequence, ranks };
}

function valuesOf(samples: readonly ObservedSample[]): Pick<Columns, "unit" | "values"> {
  const { numbers } = samples[0]!;
  const mantissas = (c: number) => Float64Array.from(samples, (sample) => sample.numbers[c]!.mantissa);
  const [first] = numbers;
  if (first?.coding === null) {
    return { unit: first.unit, values: { kind: "decimal", scale: first.scale, mantissas: mantissas(0) } };
  }
  const components = numbers.map(({ coding, unit, scale }, c) => {
    return { coding: coding!, unit, scale, mantissas: mantissas(c) };
  });
  return { unit: "", values: { kind: "components", components } };
}
