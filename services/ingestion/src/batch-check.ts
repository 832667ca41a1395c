import type { Findings, ObservationItem, SeriesItem } from "./item.ts";
import { checkObservation } from "./observation-check.ts";
import { checkSeries, sampleCount } from "./series-check.ts";
import type { Violation } from "./violation.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Samples of a batch, over all its series. */
export const MAX_SAMPLES = 100_000;

/** What a batch says for all its items, and when it came. */
export interface BatchContext {
  /** IANA; empty where the batch names none. */
  readonly timeZone: string;
  /** UTC milliseconds. */
  readonly now: number;
}

/** What makes a whole batch of series too large; undefined where it is not. */
export function oversized(items: readonly SeriesItem[]): Violation | undefined {
  const samples = items.reduce((sum, item) => sum + sampleCount(item), 0);
  if (samples <= MAX_SAMPLES) return undefined;
  return {
    field: "series",
    reason: "BATCH_TOO_LARGE",
    description: `holds more than ${MAX_SAMPLES} samples: send it as several batches`,
  };
}

/** One finding a series, in order: a bad one costs its neighbours nothing. */
export function checkSeriesBatch(
  items: readonly SeriesItem[],
  vocabulary: Vocabulary,
  { timeZone, now }: BatchContext,
): Findings[] {
  return items.map((item, i) => checkSeries(item, vocabulary, { field: `series[${i}]`, now, timeZone }));
}

/** One finding an observation, in order. */
export function checkObservationBatch(
  items: readonly ObservationItem[],
  vocabulary: Vocabulary,
  { timeZone, now }: BatchContext,
): Findings[] {
  return items.map((item, i) =>
    checkObservation(item, vocabulary, { field: `observations[${i}]`, now, timeZone }),
  );
}
