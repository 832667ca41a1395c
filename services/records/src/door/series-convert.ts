import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { type Decimals, type Series, SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import type { Coding as CodingMessage } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Coding, type Columns, oneWhereSame, usedConcepts } from "@wellapi/series";
import { LOINC, parseDecimal, type Terminology } from "@wellapi/terminology";
import type { Source } from "../model/provenance.ts";
import { filled } from "./typed-columns.ts";

/** The first time of an item whose time was sent as text, as ingestion resolved it. */
export interface ResolvedStart {
  readonly timeMs: number;
  readonly offsetMinutes: number;
}

/** A series as columns. Ingestion has validated it; `checkColumns` decides. */
export function columnsOf(series: Series, resolved: ResolvedStart | undefined): Columns {
  const { times, values, unit } = series;
  const start =
    resolved?.timeMs ?? (times?.start.case === "startTime" ? timestampMs(times.start.value) : Number.NaN);
  const offsetMinutes = resolved?.offsetMinutes ?? times?.utcOffsetMinutes ?? 0;
  const count = sampleCount(series);
  const common = {
    times: timesFrom(start, times?.spacing, count),
    offsetMinutes,
    durationMs: durationsFrom(times),
  };
  switch (values.case) {
    case "decimals":
      return { ...common, unit, values: { kind: "decimal", ...decimalsOf(values.value) } };
    case "coded":
      return {
        ...common,
        unit,
        values: {
          kind: "coded",
          dictionary: values.value.dictionary.map(codingOf),
          indexes: filled(new Uint32Array(values.value.indexes.length), values.value.indexes),
        },
      };
    case "components":
      return {
        ...common,
        unit,
        values: {
          kind: "components",
          components: values.value.components.map(({ code, unit: own, decimals }) => ({
            coding: codingOf(code!),
            unit: own,
            ...decimalsOf(decimals!),
          })),
        },
      };
    default:
      throw new RangeError("a series without values");
  }
}

/** Number of samples, counted from the values. */
export function sampleCount({ values }: Series): number {
  switch (values.case) {
    case "decimals":
      return lengthOf(values.value);
    case "coded":
      return values.value.indexes.length;
    case "components":
      return values.value.components[0]?.decimals ? lengthOf(values.value.components[0].decimals) : 0;
    default:
      return 0;
  }
}

function lengthOf({ mantissas, wideMantissas, values }: Decimals): number {
  return Math.max(mantissas.length, wideMantissas.length, values.length);
}

function timesFrom(
  start: number,
  spacing: NonNullable<Series["times"]>["spacing"] | undefined,
  count: number,
): Float64Array {
  const times = new Float64Array(count);
  const gaps = spacing?.case === "gaps" ? spacing.value.gapsMs : undefined;
  const period = spacing?.case === "periodMs" ? spacing.value : 0;
  let time = start;
  for (let i = 0; i < count; i++) {
    if (i > 0) time += gaps === undefined ? period : (gaps[i - 1] ?? 0);
    times[i] = time;
  }
  return times;
}

function durationsFrom(times: Series["times"]): Columns["durationMs"] {
  if (times === undefined) return 0;
  const { durationMs, durationsMs } = times;
  if (durationsMs.length === 0) return durationMs;
  return oneWhereSame(filled(new Uint32Array(durationsMs.length), durationsMs));
}

function decimalsOf({ scale, mantissas, wideMantissas, values }: Decimals) {
  if (values.length > 0) return decimalsFromText(values);
  return {
    scale,
    mantissas:
      wideMantissas.length > 0
        ? Float64Array.from(wideMantissas, Number)
        : filled(new Float64Array(mantissas.length), mantissas),
  };
}

/** At the finest scale of the values. */
function decimalsFromText(values: readonly string[]) {
  const decimals = values.map((text) => {
    const decimal = parseDecimal(text);
    if (typeof decimal === "string") throw new RangeError("a decimal that ingestion did not refuse");
    return decimal;
  });
  const scale = decimals.reduce((finest, decimal) => Math.max(finest, decimal.scale), 0);
  const mantissas = Float64Array.from(
    decimals,
    (decimal) => decimal.mantissa * 10 ** (scale - decimal.scale),
  );
  return { scale, mantissas };
}

export function codingOf({ system, code, display }: CodingMessage): Coding {
  return { system, code, ...(display === "" ? {} : { display }) };
}

/** The code of a series or observation as readers get it: with its display name. */
export function codeInit(terminology: Terminology, code: string) {
  const definition = terminology.findAnyCode(code);
  const system = definition === undefined || definition.system === LOINC ? "" : definition.system;
  return { system, code, display: definition?.display ?? "" };
}

/** Columns as a message. `columns` has at least one sample. */
export function seriesMessage(
  terminology: Terminology,
  code: string,
  columns: Columns,
  source: Source,
): Series {
  const { times, offsetMinutes, durationMs, unit } = columns;
  return create(SeriesSchema, {
    code: codeInit(terminology, code),
    unit,
    method: source.method,
    granularity: source.granularity,
    times: {
      start: { case: "startTime", value: timestampFromMs(times[0]!) },
      utcOffsetMinutes: offsetMinutes,
      spacing: spacingInit(times),
      ...durationsInit(durationMs),
    },
    values: valuesInit(columns),
  });
}

function durationsInit(durations: Columns["durationMs"]) {
  const one = typeof durations === "number" ? durations : oneWhereSame(durations);
  return typeof one === "number" ? { durationMs: one } : { durationsMs: Array.from(one) };
}

function spacingInit(times: Float64Array) {
  // No spacing, and no `{}` in JSON.
  if (times.length === 1) return { case: undefined };
  const periodMs = times[1]! - times[0]!;
  let regular = 1;
  while (regular < times.length && times[regular]! - times[regular - 1]! === periodMs) regular++;
  if (times.length > 1 && regular === times.length) return { case: "periodMs", value: periodMs } as const;
  const gapsMs = new Array<number>(times.length - 1);
  for (let i = 1; i < times.length; i++) gapsMs[i - 1] = times[i]! - times[i - 1]!;
  return { case: "gaps", value: { gapsMs } } as const;
}

function valuesInit({ values }: Columns): NonNullable<MessageInitShape<typeof SeriesSchema>["values"]> {
  switch (values.kind) {
    case "decimal":
      return { case: "decimals", value: decimalsInit(values) };
    case "coded": {
      const { dictionary, indexes } = usedConcepts(values);
      return { case: "coded", value: { dictionary: [...dictionary], indexes: Array.from(indexes) } };
    }
    case "components":
      return {
        case: "components",
        value: {
          components: values.components.map((component) => ({
            code: component.coding,
            unit: component.unit,
            decimals: decimalsInit(component),
          })),
        },
      };
  }
}

const INT32 = 2 ** 31;

/** By hand: `every` and `Array.from` walk a typed array by calls, which costs several times the rest of a message. */
function decimalsInit({ scale, mantissas }: { scale: number; mantissas: Float64Array }) {
  const plain = new Array<number>(mantissas.length);
  for (let i = 0; i < plain.length; i++) {
    const mantissa = mantissas[i]!;
    if (mantissa < -INT32 || mantissa >= INT32)
      return { scale, wideMantissas: Array.from(mantissas, BigInt) };
    plain[i] = mantissa;
  }
  return { scale, mantissas: plain };
}
