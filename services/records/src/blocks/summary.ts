import { type Coding, type Columns, decodeBlock, encodeBlock, endOfSample } from "@wellapi/series";
import type { Interval } from "../model/interval.ts";
import type { Source } from "../model/provenance.ts";
import type { Strip } from "./compacted-block.ts";

export const HOUR_MS = 3_600_000;

/** The numbers of one component, by cell: exact, since each sum is a safe integer. */
export interface SummedPart {
  /** Null for a decimal column. */
  readonly coding: Coding | null;
  /** UCUM. */
  readonly unit: string;
  readonly scale: number;
  /** Mantissas of `scale`. */
  readonly sums: Float64Array;
  readonly minima: Float64Array;
  readonly maxima: Float64Array;
}

/**
 * The shown samples of a compacted block, aggregated by hour. Hours are those of the clock where the samples were
 * captured, so that days of zones with half hours begin with an hour, too.
 */
export interface Summary {
  readonly source: Source;
  /** Start of each hour with samples, ascending, UTC milliseconds. */
  readonly starts: Float64Array;
  readonly counts: Float64Array;
  /** Highest commit sequence of the samples in the hour. */
  readonly sequences: Float64Array;
  /** How far the samples of an hour reach beyond its end at most, in milliseconds. */
  readonly overhang: number;
  readonly parts: readonly SummedPart[];
}

/** A block with its summary: from its first sample to a millisecond after the start of its last. */
export interface SummarizedBlock extends Interval {
  /** A millisecond after the latest end of its samples. */
  readonly until: number;
  /** Absent if the samples must be read. */
  readonly summary?: Summary | undefined;
}

interface Header {
  readonly source: Source;
  readonly overhang: number;
  readonly parts: ReadonlyArray<Pick<SummedPart, "coding" | "unit" | "scale">>;
}

const LENGTH_BYTES = 4;
/** A block has at most 16 components: two for the hour, and three for each part. */
const MOST_PARTS = 4;
/**
 * Where samples reach further beyond the end of their hour, the samples that hide them are too far away to be
 * searched.
 */
export const MAX_OVERHANG_MS = HOUR_MS;
/** With fewer samples an hour, reading the samples themselves is as fast. */
const WORTH_SAMPLES = 4;

/**
 * Undefined where there is no summary: for coded values, sums too large, long samples, and where it would save
 * little.
 */
export function summarize(
  { source, columns, origins }: Strip,
  worthSamples = WORTH_SAMPLES,
): Summary | undefined {
  const numbers = numbersOf(columns);
  if (numbers === undefined || numbers.length > MOST_PARTS) return undefined;
  const edges = hoursOf(columns);
  const hours = edges.length - 1;
  if (hours * worthSamples > columns.times.length) return undefined;
  const overhang = overhangOf(columns);
  if (overhang > MAX_OVERHANG_MS) return undefined;
  const starts = new Float64Array(hours);
  const counts = new Float64Array(hours);
  const sequences = new Float64Array(hours);
  const parts = numbers.map(({ coding, unit, scale }) => {
    const [sums, minima, maxima] = [
      new Float64Array(hours),
      new Float64Array(hours),
      new Float64Array(hours),
    ];
    return { coding, unit, scale, sums, minima, maxima };
  });
  for (let hour = 0; hour < hours; hour++) {
    const [from, to] = [edges[hour]!, edges[hour + 1]!];
    starts[hour] = hourOf(columns.times[from]!, columns.offsetMinutes);
    counts[hour] = to - from;
    for (let i = from; i < to; i++) sequences[hour] = Math.max(sequences[hour]!, origins[i]!.sequence);
    for (const [p, { mantissas }] of numbers.entries()) {
      const { sums, minima, maxima } = parts[p]!;
      let sum = 0;
      let least = mantissas[from]!;
      let most = least;
      for (let i = from; i < to; i++) {
        const mantissa = mantissas[i]!;
        sum += mantissa;
        if (!Number.isSafeInteger(sum)) return undefined;
        if (mantissa < least) least = mantissa;
        if (mantissa > most) most = mantissa;
      }
      sums[hour] = sum;
      minima[hour] = least;
      maxima[hour] = most;
    }
  }
  return { source, starts, counts, sequences, overhang, parts };
}

function overhangOf(columns: Columns): number {
  const { times, offsetMinutes } = columns;
  let most = 0;
  let hourEnd = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < times.length; i++) {
    if (times[i]! >= hourEnd) hourEnd = hourOf(times[i]!, offsetMinutes) + HOUR_MS;
    most = Math.max(most, endOfSample(columns, i) - hourEnd);
  }
  return most;
}

function numbersOf({ unit, values }: Columns) {
  switch (values.kind) {
    case "decimal":
      return [{ coding: null, unit, scale: values.scale, mantissas: values.mantissas }];
    case "components":
      return values.components;
    case "coded":
      return undefined;
  }
}

function hourOf(time: number, offsetMinutes: number): number {
  const shift = (((offsetMinutes % 60) + 60) % 60) * 60_000;
  return Math.floor((time + shift) / HOUR_MS) * HOUR_MS - shift;
}

/** Positions at which an hour begins, and the end. */
function hoursOf({ times, offsetMinutes }: Columns): number[] {
  const edges: number[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < times.length; i++) {
    if (times[i]! < end) continue;
    edges.push(i);
    end = hourOf(times[i]!, offsetMinutes) + HOUR_MS;
  }
  edges.push(times.length);
  return edges;
}

/** 4 bytes of length, big-endian; a header as JSON; a block of packages/series whose times are the hours. */
export function encodeSummary({ source, starts, counts, sequences, overhang, parts }: Summary): Uint8Array {
  const header: Header = {
    source,
    overhang,
    parts: parts.map(({ coding, unit, scale }) => ({ coding, unit, scale })),
  };
  const column = (mantissas: Float64Array) => ({
    coding: { system: "", code: "" },
    unit: "",
    scale: 0,
    mantissas,
  });
  const components = [
    column(counts),
    column(sequences),
    ...parts.flatMap(({ sums, minima, maxima }) => [column(sums), column(minima), column(maxima)]),
  ];
  const values = { kind: "components" as const, components };
  const body = encodeBlock({ times: starts, offsetMinutes: 0, durationMs: 0, unit: "", values }, false);
  const head = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, body]);
}

/** The inverse; the bytes come from an authenticated seal, so they are the bytes that were sealed. */
export function decodeSummary(bytes: Uint8Array): Summary {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = LENGTH_BYTES + view.readUInt32BE();
  const { source, overhang, parts } = JSON.parse(view.toString("utf8", LENGTH_BYTES, end)) as Header;
  const { times, values } = decodeBlock(bytes.subarray(end));
  if (values.kind !== "components") throw new TypeError("a summary has components");
  const column = (i: number) => values.components[i]!.mantissas;
  return {
    source,
    starts: times,
    counts: column(0),
    sequences: column(1),
    overhang,
    parts: parts.map((part, p) => {
      return { ...part, sums: column(2 + 3 * p), minima: column(3 + 3 * p), maxima: column(4 + 3 * p) };
    }),
  };
}
