import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import type { Decimal } from "@wellapi/terminology";
import { conceptOf, type Point, type Quantity } from "./point.ts";

export type SeriesInit = MessageInitShape<typeof SeriesSchema>;

export interface Gathered {
  readonly series: readonly SeriesInit[];
  /** Position of its series, by point; undefined for a point whose time has another value before it. */
  readonly placeOf: ReadonlyMap<Point, number>;
}

const DAY_MS = 86_400_000;
/** The contract's most for a series is less than 31 days, and 32 to the end of its last sample. */
const MOST_REACH_MS = 31 * DAY_MS;
const MOST_SPAN_MS = 30 * DAY_MS;
const MOST_SAMPLES = 10_000;
const INT32 = 2 ** 31;

/**
 * Makes series of points. A column holds values of as many digits after the point as its vendor wrote, so that all stay as they
 * were written. Of two points of one series and time the first counts; a repetition of the same value is no contradiction.
 */
export function gather(points: readonly Point[]): Gathered {
  const series: SeriesInit[] = [];
  const placeOf = new Map<Point, number>();
  const first = new Map<string, Point>();
  const columns = new Map<string, Point[]>();
  const repetitions: { readonly point: Point; readonly of: Point }[] = [];
  for (const point of points) {
    const moment = JSON.stringify([lineOf(point), point.timeMs]);
    const earlier = first.get(moment);
    if (earlier === undefined) {
      first.set(moment, point);
      const key = JSON.stringify([lineOf(point), point.offsetMinutes, scalesOf(point)]);
      const column = columns.get(key);
      if (column === undefined) columns.set(key, [point]);
      else column.push(point);
    } else if (contentOf(earlier) === contentOf(point)) {
      repetitions.push({ point, of: earlier });
    }
  }
  for (const column of columns.values()) {
    for (const part of partsOf(column)) {
      for (const point of part) placeOf.set(point, series.length);
      series.push(seriesOf(part));
    }
  }
  for (const { point, of } of repetitions) placeOf.set(point, placeOf.get(of)!);
  return { series, placeOf };
}

/** What makes a series one. */
function lineOf(point: Point): readonly unknown[] {
  const { value, granularity, method, device } = point;
  const { system, code } = conceptOf(point);
  const units = value.kind === "coded" ? [] : quantitiesOf(value).map((one) => [one.code, one.unit]);
  return [system, code, units, granularity, method, device?.identifier, device?.model];
}

function scalesOf({ value }: Point): readonly number[] {
  return value.kind === "coded" ? [] : quantitiesOf(value).map(({ decimal }) => decimal.scale);
}

function contentOf({ value, durationMs }: Point): string {
  return JSON.stringify([value, durationMs]);
}

function quantitiesOf(value: Exclude<Point["value"], { kind: "coded" }>): readonly Quantity[] {
  return value.kind === "panel" ? value.parts : [value];
}

function partsOf(column: readonly Point[]): Point[][] {
  const ascending = [...column].sort((a, b) => a.timeMs - b.timeMs);
  const parts: Point[][] = [];
  let part: Point[] = [];
  for (const point of ascending) {
    const start = part[0]?.timeMs ?? point.timeMs;
    const span = point.timeMs - start;
    const full = part.length >= MOST_SAMPLES || span > MOST_SPAN_MS;
    if (part.length > 0 && (full || span + point.durationMs > MOST_REACH_MS)) {
      parts.push(part);
      part = [];
    }
    part.push(point);
  }
  parts.push(part);
  return parts;
}

function seriesOf(points: readonly Point[]): SeriesInit {
  const [first] = points as readonly [Point, ...Point[]];
  const { value, device, method, granularity } = first;
  return {
    code: conceptOf(first),
    ...(value.kind === "quantity" && { unit: value.unit }),
    ...(device !== undefined && { device: { ...device } }),
    method,
    granularity,
    times: timesOf(points, first),
    values: valuesOf(points, first),
  };
}

function timesOf(points: readonly Point[], first: Point): SeriesInit["times"] {
  const gaps = points.slice(1).map(({ timeMs }, i) => timeMs - points[i]!.timeMs);
  const [period] = gaps;
  const regular = period !== undefined && gaps.every((gap) => gap === period);
  const equal = points.every(({ durationMs }) => durationMs === first.durationMs);
  return {
    start: { case: "startTime", value: timestampFromMs(first.timeMs) },
    utcOffsetMinutes: first.offsetMinutes,
    ...(gaps.length > 0 && {
      spacing: regular
        ? { case: "periodMs" as const, value: period }
        : { case: "gaps" as const, value: { gapsMs: gaps } },
    }),
    ...(equal
      ? { durationMs: first.durationMs }
      : { durationsMs: points.map(({ durationMs }) => durationMs) }),
  };
}

function valuesOf(points: readonly Point[], first: Point): NonNullable<SeriesInit["values"]> {
  if (first.value.kind === "coded") return codedOf(points);
  if (first.value.kind === "quantity") {
    return { case: "decimals", value: columnOf(points.map(({ value }) => quantityAt(value, 0).decimal)) };
  }
  return {
    case: "components",
    value: {
      components: first.value.parts.map(({ code, unit }, part) => ({
        code: { code },
        unit,
        decimals: columnOf(points.map(({ value }) => quantityAt(value, part).decimal)),
      })),
    },
  };
}

function quantityAt(value: Point["value"], part: number): Quantity {
  return quantitiesOf(value as Exclude<Point["value"], { kind: "coded" }>)[part]!;
}

function codedOf(points: readonly Point[]): NonNullable<SeriesInit["values"]> {
  const concepts = points.map(({ value }) => JSON.stringify((value as { is: unknown }).is));
  const distinct = [...new Set(concepts)];
  return {
    case: "coded",
    value: {
      dictionary: distinct.map((text) => JSON.parse(text)),
      indexes: concepts.map((text) => distinct.indexOf(text)),
    },
  };
}

/** All of one scale. */
function columnOf(decimals: readonly Decimal[]) {
  const mantissas = decimals.map(({ mantissa }) => mantissa);
  const scale = decimals[0]!.scale;
  const narrow = mantissas.every((mantissa) => mantissa >= -INT32 && mantissa < INT32);
  return narrow ? { scale, mantissas } : { scale, wideMantissas: mantissas.map(BigInt) };
}
