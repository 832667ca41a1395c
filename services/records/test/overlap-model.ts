import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { SourcedSeries } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import fc from "fast-check";
import { heartRates } from "./world.ts";

/*
 * What is shown, by the contract's rule and nothing else: this file knows neither blocks nor compaction.
 */

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const START = Date.UTC(2016, 3, 12, 6);

/** A sample as it was sent. */
export interface Sample {
  /** Device, method and granularity; the rest of what makes a series is the same for all. */
  readonly series: string;
  /** What orders: commit, item of the batch, position in the item. */
  readonly sequence: number;
  readonly item: number;
  readonly position: number;
  readonly start: number;
  readonly duration: number;
  readonly value: number;
}

/** Those that are shown among `samples`, which are all that were not taken back; by series and start. */
export function shown(samples: readonly Sample[]): Sample[] {
  const later = (a: Sample, b: Sample) =>
    a.sequence > b.sequence || (a.sequence === b.sequence && a.item > b.item);
  const overlap = (a: Sample, b: Sample) => {
    if (a.duration === 0 && b.duration === 0) return a.start === b.start;
    if (a.duration === 0) return b.start <= a.start && a.start < b.start + b.duration;
    if (b.duration === 0) return a.start <= b.start && b.start < a.start + a.duration;
    return a.start < b.start + b.duration && b.start < a.start + a.duration;
  };
  return samples
    .filter((one) => !samples.some((by) => by.series === one.series && later(by, one) && overlap(by, one)))
    .toSorted((a, b) => (a.series === b.series ? a.start - b.start : a.series < b.series ? -1 : 1));
}

/** What a reader is to be told of the samples that start in the interval, each as `[start, duration, value]`. */
export function told(samples: readonly Sample[], from: number, to: number): Record<string, number[][]> {
  const within = shown(samples).filter(({ start }) => start >= from && start < to);
  return bySeries(within.map(({ series, start, duration, value }) => [series, [start, duration, value]]));
}

/** Count, sum, least and most of each bucket, by series and start of the bucket. */
export function aggregated(samples: readonly Sample[], from: number, to: number, bucketMs: number) {
  const within = shown(samples).filter(({ start }) => start >= from && start < to);
  const buckets = Map.groupBy(
    within,
    ({ series, start }) => `${series} ${Math.floor(start / bucketMs) * bucketMs}`,
  );
  return Object.fromEntries(
    [...buckets].map(([key, those]) => {
      const values = those.map(({ value }) => value);
      const sum = values.reduce((total, value) => total + value, 0);
      return [key, [values.length, sum, Math.min(...values), Math.max(...values)]];
    }),
  );
}

export function bySeries(entries: readonly (readonly [string, number[]])[]): Record<string, number[][]> {
  const grouped = Map.groupBy(entries, ([series]) => series);
  return Object.fromEntries(
    [...grouped].map(([series, those]) => [series, those.map(([, sample]) => sample)]),
  );
}

/** The series of a source, as the model names it. */
export function seriesOf(source: { deviceId?: string; method: number; granularity: number }): string {
  return JSON.stringify([source.deviceId !== "", source.method, source.granularity]);
}

/** The samples of a message, each as `[start, duration, value]`, with the series that they are of. */
export function decode({ series, source }: SourcedSeries): [string, number[]][] {
  const { times, values } = series!;
  if (values.case !== "decimals" || times?.start.case !== "startTime")
    throw new TypeError("not a message of decimals");
  const { spacing } = times;
  let start = timestampMs(times.start.value);
  return values.value.mantissas.map((mantissa, i) => {
    if (i > 0) start += spacing.case === "gaps" ? spacing.value.gapsMs[i - 1]! : Number(spacing.value ?? 0);
    const duration = times.durationsMs.length > 0 ? times.durationsMs[i]! : times.durationMs;
    return [seriesOf(source!), [start, duration, mantissa / 10 ** values.value.scale]];
  });
}

/** One item of a batch: starts and lengths in milliseconds from `START`. */
export interface SentItem {
  readonly starts: readonly number[];
  readonly durations: readonly number[];
  readonly device: boolean;
  readonly model: string;
  readonly method: CaptureMethod;
  readonly granularity: Granularity;
  readonly scale: number;
}

const ascending = (count: number, first: number, step: number) =>
  Array.from({ length: count }, (_, i) => first + i * step);

/** Minutes that a device sends again, instants among them, stages and laps, rolling means, long episodes from before. */
const samplesOfItem = fc.oneof(
  fc
    .tuple(fc.nat(120), fc.integer({ min: 1, max: 70 }), fc.constantFrom(0, MINUTE, MINUTE))
    .map(([first, count, duration]) => ({
      starts: ascending(count, first * MINUTE, MINUTE),
      durations: ascending(count, duration, 0),
    })),
  fc.tuple(fc.nat(120), fc.integer({ min: 2, max: 20 })).map(([first, count]) => ({
    starts: ascending(count, first * MINUTE, MINUTE),
    durations: ascending(count, 5 * MINUTE, 0),
  })),
  fc
    .tuple(
      fc.nat(120),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 90 })), {
        minLength: 1,
        maxLength: 8,
      }),
    )
    .map(([first, parts]) => {
      const starts = parts.map((_, i) => first + parts.slice(0, i + 1).reduce((sum, [gap]) => sum + gap, 0));
      return {
        starts: starts.map((at) => at * MINUTE),
        durations: parts.map(([, length]) => length * MINUTE),
      };
    }),
  fc
    .tuple(fc.integer({ min: 1, max: 31 }), fc.integer({ min: 0, max: 180 }), fc.boolean())
    .map(([days, over, withFirst]) => {
      // One that reaches into the hours in question from days before, in a block that began as early as it may.
      const start = -Math.min(days * DAY, 31 * DAY - over * MINUTE);
      const earliest = Math.max(start - 20 * DAY, start - 31 * DAY + 1, over * MINUTE - 32 * DAY);
      const first = withFirst && earliest < start ? [earliest] : [];
      return { starts: [...first, start], durations: [...first.map(() => MINUTE), over * MINUTE - start] };
    }),
);

export const sentItem: fc.Arbitrary<SentItem> = fc
  .record({
    samples: samplesOfItem,
    device: fc.constantFrom(true, true, true, false),
    model: fc.constantFrom("Band", "Ring"),
    method: fc.constantFrom(CaptureMethod.SENSED, CaptureMethod.SENSED, CaptureMethod.SELF_REPORTED),
    granularity: fc.constantFrom(Granularity.EPISODE, Granularity.EPISODE, Granularity.MINUTE),
    scale: fc.constantFrom(0, 0, 1),
  })
  .map(({ samples, ...rest }) => ({ ...samples, ...rest }));

/** The item as a message; its samples' values are `first`, `first + 1`, … */
export function itemInit(item: SentItem, first: number) {
  const { starts, durations, device, model, method, granularity, scale } = item;
  const rates = heartRates(
    START + starts[0]!,
    starts.map((_, i) => (first + i) * 10 ** scale),
  );
  const [length] = durations;
  const { times, device: _, ...rest } = rates;
  return {
    ...rest,
    ...(device ? { device: { identifier: "serial-1", model } } : {}),
    method,
    granularity,
    values: { case: "decimals" as const, value: { ...rates.values.value, scale } },
    times: {
      ...times,
      spacing: {
        case: "gaps" as const,
        value: { gapsMs: starts.slice(1).map((start, i) => start - starts[i]!) },
      },
      ...(durations.every((one) => one === length)
        ? { durationMs: length! }
        : { durationsMs: [...durations] }),
    },
  };
}

/** The item's samples as the model has them. */
export function samplesOfSent(item: SentItem, first: number, sequence: number, index: number): Sample[] {
  const { starts, durations, device, method, granularity } = item;
  return starts.map((start, position) => ({
    series: JSON.stringify([device, method, granularity]),
    sequence,
    item: index,
    position,
    start: START + start,
    duration: durations[position]!,
    value: first + position,
  }));
}
