import type { Bucket, Source, SourceAggregate } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { msOf } from "../api/time.ts";

/** One bucket, as it is drawn and told. */
export interface Point {
  readonly start: number;
  readonly end: number;
  readonly count: number;
  readonly low: number | undefined;
  readonly mean: number | undefined;
  readonly high: number | undefined;
  readonly sum: number | undefined;
  /** By code of a coded value: milliseconds that it held. */
  readonly held: ReadonlyMap<string, number>;
}

/** What one source has measured in a period, in one unit: a line for each component, or one. */
export interface SourceLines {
  /** Of the source and the unit. */
  readonly key: string;
  readonly source: Source;
  readonly unit: string;
  readonly lines: readonly { readonly component: string; readonly points: readonly Point[] }[];
  readonly count: number;
}

/** What goes on over several pages and components is put together by source and unit. */
export function linesIn(aggregates: readonly SourceAggregate[]): readonly SourceLines[] {
  const byKey = new Map<string, SourceAggregate[]>();
  for (const one of aggregates) {
    const key = `${sourceKey(one.source)} ${one.unit}`;
    byKey.set(key, [...(byKey.get(key) ?? []), one]);
  }
  return [...byKey]
    .map(([key, all]) => {
      const components = [...new Set(all.map(({ component }) => component?.code ?? ""))];
      const lines = components.map((component) => ({
        component,
        points: all
          .filter((one) => (one.component?.code ?? "") === component)
          .flatMap(({ buckets }) => buckets)
          .map(pointOf)
          .sort((a, b) => a.start - b.start),
      }));
      return {
        key,
        source: all[0]!.source!,
        unit: all[0]!.unit,
        lines,
        count: lines.flatMap(({ points }) => points).reduce((sum, { count }) => sum + count, 0),
      };
    })
    .sort((a, b) => b.count - a.count);
}

/**
 * What tells these apart where their sources do not: the unit, by the name that `nameOf` gives it, or as it was sent where two of a source
 * have the same name. Undefined for a source that has one unit. In the order of `all`.
 */
export function unitsApart(
  all: readonly SourceLines[],
  nameOf: (unit: string) => string,
): readonly (string | undefined)[] {
  return all.map(({ source, unit }) => {
    const others = all.filter((one) => sourceKey(one.source) === sourceKey(source) && one.unit !== unit);
    if (others.length === 0) return undefined;
    return others.some((one) => nameOf(one.unit) === nameOf(unit)) ? unit : nameOf(unit);
  });
}

export function sourceKey(source: Source | undefined): string {
  if (source === undefined) return "";
  const { organization, application, deviceId, method, granularity } = source;
  return [organization, application, deviceId, method, granularity].join(" ");
}

/** Decimals become numbers here: a chart is no more exact than a screen. */
function pointOf({ startTime, endTime, count, min, max, mean, sum, codeTimes }: Bucket): Point {
  const number = (text: string | undefined) => (text === undefined || text === "" ? undefined : Number(text));
  return {
    start: msOf(startTime),
    end: msOf(endTime),
    count,
    low: number(min),
    mean: number(mean),
    high: number(max),
    sum: number(sum),
    held: new Map(
      codeTimes.map(({ value, duration }) => [
        value?.code ?? "",
        Number(duration?.seconds ?? 0n) * 1_000 + (duration?.nanos ?? 0) / 1_000_000,
      ]),
    ),
  };
}
