import { SeriesError } from "./series-error.ts";

/** A concept of a code system; the members are those of FHIR's Coding. */
export interface Coding {
  readonly system: string;
  readonly code: string;
  readonly display?: string;
}

/** One number at each time: value = mantissa × 10^-scale, so 98.60 (mantissa 9860, scale 2) stays 98.60. */
export interface DecimalValues {
  readonly kind: "decimal";
  /** 0 to 9. */
  readonly scale: number;
  /** Safe integers, within ±(2^53 − 1). */
  readonly mantissas: Float64Array;
}

/** One concept at each time (a sleep stage): an index into the block's own dictionary. */
export interface CodedValues {
  readonly kind: "coded";
  readonly dictionary: readonly Coding[];
  readonly indexes: Uint32Array;
}

/** One of the numbers that are measured together at each time (systolic of a blood pressure). */
export interface ComponentValues {
  readonly coding: Coding;
  /** UCUM. */
  readonly unit: string;
  /** 0 to 9. */
  readonly scale: number;
  /** Safe integers, within ±(2^53 − 1). */
  readonly mantissas: Float64Array;
}

/** Several numbers at each time; every component has a value at every time. */
export interface ComponentsValues {
  readonly kind: "components";
  readonly components: readonly ComponentValues[];
}

export type ValueColumn = DecimalValues | CodedValues | ComponentsValues;

/** Samples of one series as columns: sample `i` is `times[i]` and the `i`-th entry of each value column. */
export interface Columns {
  /** UTC milliseconds since 1970, integers, strictly ascending, within years 1 to 9999. */
  readonly times: Float64Array;
  /** Offset of the wall clock where it was captured, in minutes east of UTC, −1080 to 1080. */
  readonly offsetMinutes: number;
  /**
   * 0: an instant. Otherwise a sample covers `[time, time + duration)`, at most 31 days. One number where all have the
   * same, else one a sample.
   */
  readonly durationMs: number | Uint32Array;
  /** UCUM; empty for coded values and for components, which have units of their own. */
  readonly unit: string;
  readonly values: ValueColumn;
}

/**
 * Bounds of one block. They bound what a hostile block can make a reader allocate (16 bytes a value),
 * and are part of the format: raise them only with a new version.
 */
export const BLOCK_LIMITS = {
  /** Samples × components (1 for decimal and coded values). */
  values: 1_000_000,
  components: 16,
  dictionary: 1_024,
  /** UTF-8 bytes of a unit, system, code or display. */
  textBytes: 1_024,
} as const;

/** The range of protobuf's Timestamp and FHIR's instant: years 1 to 9999. */
const MIN_TIME = -62_135_596_800_000;
const MAX_TIME = 253_402_300_799_999;
/** As in the contracts (`utc_offset_minutes`): ±18 hours, wider than any zone since 1900. */
const MAX_OFFSET_MINUTES = 18 * 60;
/** As in the contracts. It fits 32 bits. */
const MAX_DURATION_MS = 31 * 86_400_000;
const MAX_SCALE = 9;

/**
 * Checks every rule of `Columns`. A block of no samples is allowed.
 *
 * @throws SeriesError with the field, and the sample where one is to blame
 */
export function checkColumns(columns: Columns): void {
  const { times, values, offsetMinutes, durationMs } = columns;
  checkInteger("offsetMinutes", offsetMinutes, -MAX_OFFSET_MINUTES, MAX_OFFSET_MINUTES);
  if (typeof durationMs === "number") checkInteger("durationMs", durationMs, 0, MAX_DURATION_MS);
  else checkDurations(durationMs, times.length);
  checkText("unit", columns.unit);
  switch (values.kind) {
    case "decimal":
      checkCount(times.length);
      checkDecimals("values", values, times.length);
      break;
    case "coded":
      checkCount(times.length);
      checkNoUnit(columns.unit);
      checkCoded(values, times.length);
      break;
    case "components":
      checkNoUnit(columns.unit);
      checkComponents(values, times.length);
      break;
    default:
      throw new SeriesError("out_of_range", "values.kind", "must be decimal, coded or components");
  }
  checkTimes(times);
}

function checkTimes(times: Float64Array): void {
  let previous = MIN_TIME - 1;
  for (let i = 0; i < times.length; i++) {
    const time = times[i]!;
    if (!(time >= MIN_TIME && time <= MAX_TIME) || time !== Math.floor(time)) {
      throw new SeriesError("out_of_range", "times", "must be whole milliseconds within years 1 to 9999", {
        index: i,
      });
    }
    if (time <= previous) {
      throw new SeriesError("times_not_ascending", "times", "must be later than the one before", {
        index: i,
      });
    }
    previous = time;
  }
}

function checkDurations(durations: Uint32Array, count: number): void {
  checkLength("durationMs", durations.length, count);
  for (let i = 0; i < durations.length; i++) {
    if (durations[i]! > MAX_DURATION_MS) {
      throw new SeriesError("out_of_range", "durationMs", "must be at most 31 days", { index: i });
    }
  }
}

function checkCount(count: number): void {
  if (count > BLOCK_LIMITS.values) {
    throw new SeriesError("too_large", "times", `a block holds at most ${BLOCK_LIMITS.values} values`);
  }
}

function checkDecimals(
  field: string,
  values: { readonly scale: number; readonly mantissas: Float64Array },
  count: number,
): void {
  checkInteger(`${field}.scale`, values.scale, 0, MAX_SCALE);
  const mantissas = values.mantissas;
  checkLength(`${field}.mantissas`, mantissas.length, count);
  for (let i = 0; i < mantissas.length; i++) {
    if (!Number.isSafeInteger(mantissas[i])) {
      throw new SeriesError("out_of_range", `${field}.mantissas`, "must be an integer within ±(2^53 − 1)", {
        index: i,
      });
    }
  }
}

function checkCoded(values: CodedValues, count: number): void {
  const size = values.dictionary.length;
  if (size > BLOCK_LIMITS.dictionary) {
    throw new SeriesError(
      "too_large",
      "values.dictionary",
      `must have at most ${BLOCK_LIMITS.dictionary} entries`,
    );
  }
  values.dictionary.forEach((coding, i) => {
    checkCoding(`values.dictionary[${i}]`, coding);
  });
  checkLength("values.indexes", values.indexes.length, count);
  for (let i = 0; i < values.indexes.length; i++) {
    if (values.indexes[i]! >= size) {
      throw new SeriesError("out_of_range", "values.indexes", "must point into the dictionary", { index: i });
    }
  }
}

function checkComponents(values: ComponentsValues, count: number): void {
  const size = values.components.length;
  if (size === 0) {
    throw new SeriesError("out_of_range", "values.components", "must have at least one component");
  }
  if (size > BLOCK_LIMITS.components) {
    throw new SeriesError(
      "too_large",
      "values.components",
      `must have at most ${BLOCK_LIMITS.components} components`,
    );
  }
  checkCount(count * size);
  values.components.forEach((component, i) => {
    const field = `values.components[${i}]`;
    checkCoding(`${field}.coding`, component.coding);
    checkText(`${field}.unit`, component.unit);
    checkDecimals(field, component, count);
  });
}

function checkLength(field: string, actual: number, expected: number): void {
  if (actual !== expected) {
    throw new SeriesError("length_mismatch", field, `must have one entry for each of the ${expected} times`);
  }
}

function checkInteger(field: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new SeriesError("out_of_range", field, `must be an integer from ${min} to ${max}`);
  }
}

function checkNoUnit(unit: string): void {
  if (unit !== "") {
    throw new SeriesError("text_invalid", "unit", "must be empty: coded values and components carry none");
  }
}

function checkCoding(field: string, coding: Coding): void {
  checkText(`${field}.system`, coding.system);
  checkText(`${field}.code`, coding.code);
  if (coding.display !== undefined) checkText(`${field}.display`, coding.display);
}

function checkText(field: string, text: string): void {
  // A lone surrogate has no UTF-8 form: it would come back as another text than was sent.
  if (typeof text !== "string" || !text.isWellFormed() || Buffer.byteLength(text) > BLOCK_LIMITS.textBytes) {
    throw new SeriesError(
      "text_invalid",
      field,
      `must be Unicode text of at most ${BLOCK_LIMITS.textBytes} bytes`,
    );
  }
}
