import {
  BLOCK_LIMITS,
  type CodedValues,
  type Coding,
  type Columns,
  type ComponentValues,
  type ValueColumn,
} from "./columns.ts";
import { SeriesError } from "./series-error.ts";

/**
 * The samples that start in `[fromMs, toMs)`, UTC milliseconds. A view: it shares memory with `columns`
 * (a sample that began before `fromMs` and lasts beyond it is not in it).
 */
export function sliceColumns(columns: Columns, fromMs: number, toMs: number): Columns {
  const from = firstAtOrAfter(columns.times, fromMs);
  const to = Math.max(from, firstAtOrAfter(columns.times, toMs));
  return viewOf(columns, from, to);
}

/** The samples at positions `[from, to)`, as a view. */
export function viewOf(columns: Columns, from: number, to: number): Columns {
  if (from === 0 && to === columns.times.length) return columns;
  return {
    ...columns,
    times: columns.times.subarray(from, to),
    durationMs: viewOfDurations(columns.durationMs, from, to),
    values: viewOfValues(columns.values, from, to),
  };
}

function viewOfDurations(durations: Columns["durationMs"], from: number, to: number): Columns["durationMs"] {
  return typeof durations === "number" ? durations : durations.subarray(from, to);
}

function viewOfValues(values: ValueColumn, from: number, to: number): ValueColumn {
  switch (values.kind) {
    case "decimal":
      return { ...values, mantissas: values.mantissas.subarray(from, to) };
    case "coded":
      return { ...values, indexes: values.indexes.subarray(from, to) };
    case "components":
      return {
        kind: "components",
        components: values.components.map((component) => ({
          ...component,
          mantissas: component.mantissas.subarray(from, to),
        })),
      };
  }
}

/** The samples at `positions`, in that order, in memory of their own. */
export function pickColumns(columns: Columns, positions: Uint32Array): Columns {
  const { values } = columns;
  const pick = (from: Float64Array) => {
    const picked = new Float64Array(positions.length);
    for (let i = 0; i < positions.length; i++) picked[i] = from[positions[i]!]!;
    return picked;
  };
  const pickValues = (): ValueColumn => {
    switch (values.kind) {
      case "decimal":
        return { ...values, mantissas: pick(values.mantissas) };
      case "coded":
        return { ...values, indexes: positions.map((position) => values.indexes[position]!) };
      case "components":
        return {
          kind: "components",
          components: values.components.map((one) => ({ ...one, mantissas: pick(one.mantissas) })),
        };
    }
  };
  const durationMs =
    typeof columns.durationMs === "number"
      ? columns.durationMs
      : oneWhereSame(pickDurations(columns.durationMs, positions));
  return { ...columns, times: pick(columns.times), durationMs, values: pickValues() };
}

function pickDurations(durations: Uint32Array, positions: Uint32Array): Uint32Array {
  return positions.map((position) => durations[position]!);
}

/** One number where all durations are the same. */
export function oneWhereSame(durations: Uint32Array): Columns["durationMs"] {
  const first = durations[0] ?? 0;
  for (let i = 1; i < durations.length; i++) if (durations[i] !== first) return durations;
  return first;
}

/** Of coded values: with the concepts that occur alone, in the order in which they do. */
export function withUsedConcepts(columns: Columns): Columns {
  const { values } = columns;
  return values.kind === "coded" ? { ...columns, values: usedConcepts(values) } : columns;
}

/** The concepts that occur, in the order in which they do. */
export function usedConcepts({ kind, dictionary, indexes }: CodedValues): CodedValues {
  const used = new Map<number, number>();
  const moved = indexes.map((index) => {
    if (!used.has(index)) used.set(index, used.size);
    return used.get(index)!;
  });
  return { kind, dictionary: [...used.keys()].map((index) => dictionary[index]!), indexes: moved };
}

/** The first position whose time is at or after `ms`, by binary search from `start`. */
export function firstAtOrAfter(times: Float64Array, ms: number, start = 0): number {
  let low = start;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Whether two blocks can be joined into one without changing what was sent: equal offset, unit,
 * kind and scales, and equal codings of the components. Durations and dictionaries of coded values may
 * differ; `concatColumns` merges them.
 */
export function sameFormat(a: Columns, b: Columns): boolean {
  if (a.offsetMinutes !== b.offsetMinutes || a.unit !== b.unit) return false;
  const x = a.values;
  const y = b.values;
  if (x.kind === "decimal") return y.kind === "decimal" && x.scale === y.scale;
  if (x.kind === "coded") return y.kind === "coded";
  return (
    y.kind === "components" &&
    x.components.length === y.components.length &&
    x.components.every((component, i) => sameComponent(component, y.components[i]!))
  );
}

function sameComponent(a: ComponentValues, b: ComponentValues): boolean {
  return a.scale === b.scale && a.unit === b.unit && sameCoding(a.coding, b.coding);
}

function sameCoding(a: Coding, b: Coding): boolean {
  return a.system === b.system && a.code === b.code && a.display === b.display;
}

/**
 * Joins blocks of one format that follow one another in time.
 *
 * @param parts at least one
 * @throws SeriesError `format_mismatch`; `times_not_ascending` when a part does not start after the one
 *   before it ended; `length_mismatch` for no parts; `too_large` when the merged dictionary is
 */
export function concatColumns(parts: readonly Columns[]): Columns {
  let last = Number.NEGATIVE_INFINITY;
  parts.forEach(({ times }, i) => {
    if (times.length === 0) return;
    if (times[0]! <= last) {
      throw new SeriesError("times_not_ascending", "parts", "must start after the one before", { index: i });
    }
    last = times.at(-1)!;
  });
  return appendColumns(parts);
}

/** As `concatColumns`, whatever the order of times: the result may not be a valid block. */
export function appendColumns(parts: readonly Columns[]): Columns {
  const first = parts[0];
  if (first === undefined) throw new SeriesError("length_mismatch", "parts", "must not be empty");
  if (parts.length === 1) return first;
  parts.forEach((part, i) => {
    if (!sameFormat(first, part)) {
      throw new SeriesError("format_mismatch", "parts", "must be of the first one's format", { index: i });
    }
  });
  const count = parts.reduce((sum, { times }) => sum + times.length, 0);
  const times = concatMantissas(
    parts.map((part) => part.times),
    count,
  );
  return {
    ...first,
    times,
    durationMs: concatDurations(parts, count),
    values: concatValues(
      first.values,
      parts.map((part) => part.values),
      count,
    ),
  };
}

function concatDurations(parts: readonly Columns[], count: number): Columns["durationMs"] {
  const filled = parts.filter(({ times }) => times.length > 0);
  const first = filled[0]?.durationMs ?? parts[0]!.durationMs;
  if (typeof first === "number" && filled.every(({ durationMs }) => durationMs === first)) return first;
  const durations = new Uint32Array(count);
  let at = 0;
  for (const { durationMs, times } of filled) {
    if (typeof durationMs === "number") durations.fill(durationMs, at, at + times.length);
    else durations.set(durationMs, at);
    at += times.length;
  }
  return durations;
}

function concatValues(first: ValueColumn, parts: readonly ValueColumn[], count: number): ValueColumn {
  switch (first.kind) {
    case "decimal":
      return {
        ...first,
        mantissas: concatMantissas(
          parts.map((part) => (part as typeof first).mantissas),
          count,
        ),
      };
    case "coded":
      return concatCoded(parts as readonly (typeof first)[], count);
    case "components":
      return {
        kind: "components",
        components: first.components.map((component, i) => ({
          ...component,
          mantissas: concatMantissas(
            parts.map((part) => (part as typeof first).components[i]!.mantissas),
            count,
          ),
        })),
      };
  }
}

function concatMantissas(parts: readonly Float64Array[], count: number): Float64Array {
  const result = new Float64Array(count);
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function concatCoded(parts: readonly Extract<ValueColumn, { kind: "coded" }>[], count: number): ValueColumn {
  const dictionary: Coding[] = [];
  const positions = new Map<string, number>();
  const indexes = new Uint32Array(count);
  let at = 0;
  for (const part of parts) {
    const moved = part.dictionary.map((coding) => {
      const key = JSON.stringify([coding.system, coding.code, coding.display]);
      let position = positions.get(key);
      if (position === undefined) {
        position = dictionary.push(coding) - 1;
        positions.set(key, position);
      }
      return position;
    });
    const source = part.indexes;
    for (let i = 0; i < source.length; i++) indexes[at++] = moved[source[i]!]!;
  }
  if (dictionary.length > BLOCK_LIMITS.dictionary) {
    throw new SeriesError(
      "too_large",
      "values.dictionary",
      `must have at most ${BLOCK_LIMITS.dictionary} entries`,
    );
  }
  return { kind: "coded", dictionary, indexes };
}
