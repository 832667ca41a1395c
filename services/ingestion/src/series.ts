import type { ItemJudgement } from "./item.ts";
import { FUTURE_SKEW_MS, MAX_SAMPLE_DURATION_MS, MAX_SCALE, MAX_SERIES_SPAN_MS } from "./limits.ts";
import { judgeStart, type SentTime, type StartFields, type TimeContext } from "./start.ts";
import { offsetChanges, type ResolvedTime } from "./time-zone.ts";
import { firstViolation, type Violation, violation } from "./violation.ts";
import {
  type Coding,
  judgeCode,
  judgeCodedValue,
  judgeComponents,
  judgeUnit,
  type ValueFields,
} from "./vocabulary.ts";

/** Samples as columns. The columns are those of the message: they are read, never copied. */
export interface Series {
  readonly coding: Coding;
  /** UCUM; empty for coded and component values. */
  readonly unit: string;
  readonly times: SampleTimes;
  readonly values: SeriesValues;
}

export interface SampleTimes extends SentTime {
  readonly spacing:
    | { readonly kind: "period"; readonly periodMs: number }
    | { readonly kind: "gaps"; readonly gapsMs: readonly number[] };
  readonly durationMs: number;
}

export type SeriesValues =
  | ({ readonly kind: "quantity" } & DecimalColumn)
  | { readonly kind: "coded"; readonly dictionary: readonly Coding[]; readonly indexes: readonly number[] }
  | { readonly kind: "components"; readonly components: readonly ComponentColumn[] };

/** One of the two columns is empty. */
export interface DecimalColumn {
  readonly scale: number;
  /** 32 bits by their type. */
  readonly mantissas: readonly number[];
  readonly wideMantissas: readonly bigint[];
}

export interface ComponentColumn extends DecimalColumn {
  readonly coding: Coding;
  readonly unit: string;
}

const startFields: StartFields = {
  instant: "times.start_time",
  local: "times.local_start_time",
  offset: "times.utc_offset_minutes",
};
const valueFields: ValueFields = { quantity: "decimals", coded: "coded", components: "components" };

/** Number of samples: the longest column of values, since a shorter one is a mistake that is told apart. */
export function sampleCount({ values }: Series): number {
  switch (values.kind) {
    case "quantity":
      return lengthOf(values);
    case "coded":
      return values.indexes.length;
    case "components":
      return values.components.reduce((longest, column) => Math.max(longest, lengthOf(column)), 0);
  }
}

export function judgeSeries(series: Series, context: TimeContext): ItemJudgement {
  const found: Violation[] = [];
  const count = sampleCount(series);
  if (count === 0) found.push(violation("", "SERIES_EMPTY"));
  judgeConcepts(series, found);
  judgeValues(series.values, count, found);
  const first = judgeTimes(series.times, count, context, found);
  return { violations: found, resolved: series.times.start.kind === "local" ? first : undefined };
}

/** Code, unit, coded values and components: what depends on the vocabulary. */
function judgeConcepts({ coding, unit, values }: Series, found: Violation[]): void {
  const definition = judgeCode(coding, values.kind, valueFields, found);
  if (definition === undefined) return;
  judgeUnit(definition.code, unit, "unit", found);
  if (values.kind === "coded") {
    for (const [index, value] of values.dictionary.entries()) {
      judgeCodedValue(definition, value, `coded.dictionary[${index}]`, found);
    }
  }
  if (values.kind === "components" && definition.kind === "components") {
    judgeComponents(definition, values.components, "unit", found);
  }
}

/** The columns' lengths and entries. */
function judgeValues(values: SeriesValues, count: number, found: Violation[]): void {
  switch (values.kind) {
    case "quantity":
      judgeDecimals(values, "decimals", found);
      return;
    case "coded":
      judgeIndexes(values.indexes, values.dictionary.length, found);
      return;
    case "components":
      for (const [index, column] of values.components.entries()) {
        const field = `components.components[${index}].decimals`;
        if (lengthOf(column) !== count) {
          found.push(violation(`${field}.${columnField(column)}`, "LENGTH_MISMATCH"));
        }
        judgeDecimals(column, field, found);
      }
  }
}

function judgeDecimals({ scale, wideMantissas }: DecimalColumn, field: string, found: Violation[]): void {
  if (!Number.isInteger(scale) || scale < 0 || scale > MAX_SCALE) {
    found.push(violation(`${field}.scale`, "SCALE_OUT_OF_RANGE"));
  }
  let first = -1;
  let wrong = 0;
  for (let i = 0; i < wideMantissas.length; i++) {
    const mantissa = wideMantissas[i]!;
    if (mantissa > MAX_MANTISSA || mantissa < -MAX_MANTISSA) {
      if (wrong === 0) first = i;
      wrong++;
    }
  }
  if (wrong > 0) found.push(firstViolation(`${field}.wide_mantissas[${first}]`, "VALUE_OUT_OF_RANGE", wrong));
}

const MAX_MANTISSA = BigInt(Number.MAX_SAFE_INTEGER);

function judgeIndexes(indexes: readonly number[], size: number, found: Violation[]): void {
  let first = -1;
  let wrong = 0;
  for (let i = 0; i < indexes.length; i++) {
    if (indexes[i]! >= size) {
      if (wrong === 0) first = i;
      wrong++;
    }
  }
  if (wrong > 0) found.push(firstViolation(`coded.indexes[${first}]`, "INDEX_OUT_OF_RANGE", wrong));
}

/** Returns the first time, if it is one to go on with. */
function judgeTimes(
  times: SampleTimes,
  count: number,
  context: TimeContext,
  found: Violation[],
): ResolvedTime | undefined {
  const { spacing, durationMs } = times;
  if (durationMs > MAX_SAMPLE_DURATION_MS) {
    found.push(violation("times.duration_ms", "DURATION_TOO_LONG", "at most 31 days"));
  }
  const first = judgeStart(times, startFields, context, found);
  // How long the series may last until it reaches the future. NaN: nothing is later than that.
  const roomMs = context.now + FUTURE_SKEW_MS - (first?.timeMs ?? Number.NaN);
  const spanMs =
    spacing.kind === "gaps"
      ? judgeGaps(spacing.gapsMs, count, roomMs, found)
      : judgePeriod(spacing.periodMs, count, roomMs, found);
  if (spanMs >= MAX_SERIES_SPAN_MS) found.push(violation("times", "SERIES_TOO_LONG"));
  else if (first !== undefined && times.start.kind === "local" && spanMs > 0) {
    const changes = offsetChanges(context.timeZone, first.timeMs, first.timeMs + spanMs);
    if (changes) found.push(violation("times", "OFFSET_CHANGES_WITHIN"));
  }
  return first;
}

/** Both return the time from the first sample to the last, in milliseconds. */
function judgeGaps(gapsMs: readonly number[], count: number, roomMs: number, found: Violation[]): number {
  if (count > 0 && gapsMs.length !== count - 1) {
    found.push(violation("times.gaps.gaps_ms", "LENGTH_MISMATCH", "one gap fewer than there are values"));
  }
  let sum = 0;
  let zero = -1;
  let zeros = 0;
  let future = -1;
  for (let i = 0; i < gapsMs.length; i++) {
    const gap = gapsMs[i]!;
    if (gap === 0) {
      if (zeros === 0) zero = i;
      zeros++;
    }
    sum += gap;
    if (sum > roomMs && future < 0) future = i;
  }
  if (zeros > 0) found.push(firstViolation(`times.gaps.gaps_ms[${zero}]`, "GAP_ZERO", zeros));
  if (future >= 0) found.push(violation(`times.gaps.gaps_ms[${future}]`, "TIME_IN_FUTURE"));
  return sum;
}

function judgePeriod(periodMs: number, count: number, roomMs: number, found: Violation[]): number {
  const sum = periodMs * Math.max(count - 1, 0);
  if (sum > roomMs) found.push(violation("times.period_ms", "TIME_IN_FUTURE"));
  return sum;
}

function lengthOf({ mantissas, wideMantissas }: DecimalColumn): number {
  return wideMantissas.length > 0 ? wideMantissas.length : mantissas.length;
}

function columnField({ wideMantissas }: DecimalColumn): string {
  return wideMantissas.length > 0 ? "wide_mantissas" : "mantissas";
}
