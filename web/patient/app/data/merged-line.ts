import type { MergedStretch, MergeReason, Source } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { SampleTimes, Series } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { msOf } from "../api/time.ts";
import { numbersOf } from "./decimals.ts";
import { type Point, type SourceLines, sourceKey } from "./lines.ts";
import type { Period } from "./period.ts";

export const minuteMs = 60_000;

/** Minutes one after another that are of one source, and why. UTC milliseconds, half-open. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly source: Source;
  readonly reason: MergeReason;
  /** Who had samples in so many of these minutes, too. */
  readonly passedOver: readonly { readonly source: Source; readonly minutes: number }[];
}

/** What goes on in the next piece is one stretch to a reader. */
export function stretchesIn(pieces: readonly MergedStretch[]): readonly Stretch[] {
  const told: Stretch[] = [];
  for (const { series, source, reason, passedOver } of pieces) {
    const times = timesOf(series?.times, lengthOf(series));
    if (source === undefined || times.length === 0) continue;
    const piece: Stretch = {
      start: floorTo(times[0]!, minuteMs),
      end: floorTo(times.at(-1)!, minuteMs) + minuteMs,
      source,
      reason,
      passedOver: passedOver.flatMap((one) =>
        one.source === undefined ? [] : [{ source: one.source, minutes: one.minutes }],
      ),
    };
    const before = told.at(-1);
    if (before === undefined || !isSame(before, piece)) told.push(piece);
    else told[told.length - 1] = joined(before, piece);
  }
  return told;
}

function isSame(a: Stretch, b: Stretch): boolean {
  const others = (one: Stretch) => one.passedOver.map(({ source }) => sourceKey(source)).join();
  return a.reason === b.reason && sourceKey(a.source) === sourceKey(b.source) && others(a) === others(b);
}

/** Both have the same others in the same order. */
function joined(a: Stretch, b: Stretch): Stretch {
  const passedOver = a.passedOver.map(({ source, minutes }, at) => ({
    source,
    minutes: minutes + b.passedOver[at]!.minutes,
  }));
  return { ...a, end: b.end, passedOver };
}

/** Samples in buckets of this length, from the beginning of the period on. */
export function lineIn(
  pieces: readonly MergedStretch[],
  { start }: Pick<Period, "start">,
  sizeMs: number,
): SourceLines | undefined {
  const byComponent = new Map<string, Map<number, number[]>>();
  let unit = "";
  for (const { series } of pieces) {
    for (const column of columnsOf(series)) {
      unit ||= column.unit;
      const buckets = byComponent.get(column.component) ?? new Map<number, number[]>();
      byComponent.set(column.component, buckets);
      const times = timesOf(series?.times, column.values.length);
      for (const [at, value] of column.values.entries()) {
        const bucket = start + floorTo(times[at]! - start, sizeMs);
        const values = buckets.get(bucket);
        if (values === undefined) buckets.set(bucket, [value]);
        else values.push(value);
      }
    }
  }
  const source = pieces[0]?.source;
  if (source === undefined || byComponent.size === 0) return undefined;
  const lines = [...byComponent].map(([component, buckets]) => ({
    component,
    points: [...buckets].map(([at, values]) => pointOf(at, at + sizeMs, values)),
  }));
  const count = lines.flatMap(({ points }) => points).reduce((sum, one) => sum + one.count, 0);
  return { key: "merged", source, unit, lines, count };
}

function pointOf(start: number, end: number, values: readonly number[]): Point {
  const sum = values.reduce((all, one) => all + one, 0);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return { start, end, count: values.length, low, high, sum, mean: sum / values.length, held: new Map() };
}

function columnsOf(series: Series | undefined) {
  if (series?.values.case === "decimals") {
    return [{ component: "", unit: series.unit, values: numbersOf(series.values.value) }];
  }
  if (series?.values.case !== "components") return [];
  return series.values.value.components.map(({ code, unit, decimals }) => ({
    component: code?.code ?? "",
    unit,
    values: decimals === undefined ? [] : numbersOf(decimals),
  }));
}

function lengthOf(series: Series | undefined): number {
  return columnsOf(series)[0]?.values.length ?? 0;
}

/** UTC milliseconds of the starts of so many samples. */
function timesOf(times: SampleTimes | undefined, count: number): readonly number[] {
  if (times?.start.case !== "startTime") return [];
  const { spacing } = times;
  const gapAt = (at: number): number => {
    if (spacing.case === "periodMs") return spacing.value;
    return spacing.case === "gaps" ? (spacing.value.gapsMs[at - 1] ?? 0) : 0;
  };
  let time = msOf(times.start.value);
  return Array.from({ length: count }, (_, at) => {
    if (at > 0) time += gapAt(at);
    return time;
  });
}

function floorTo(ms: number, sizeMs: number): number {
  return Math.floor(ms / sizeMs) * sizeMs;
}
