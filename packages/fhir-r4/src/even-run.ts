import { dayMs } from "./date-interval.ts";

/** Samples by their place, ascending by time. */
export interface TimedSamples {
  readonly count: number;
  /** Unix time. */
  msAt(place: number): number;
  /** 0: an instant. */
  durationMsAt(place: number): number;
}

/** FHIR's SampledData says when each of its values was taken by one period. Fewer than three values are no rhythm. */
const fewest = 3;
/** So that an Observation has a size that a client can take. */
const most = 10_000;

/**
 * The place behind the samples that one Observation holds from `start` on: those of one day of UTC with the same time between each and
 * the next, as SampledData, or else one. What is about intervals that do not join comes one by one: SampledData has no place for its
 * times (FHIR R4, 2.24.0.7).
 */
export function endOfEvenRun(samples: TimedSamples, start: number): number {
  const alone = start + 1;
  if (alone >= samples.count) return alone;
  const first = samples.msAt(start);
  const periodMs = samples.msAt(alone) - first;
  const durationMs = samples.durationMsAt(start);
  if (periodMs <= 0 || (durationMs !== 0 && durationMs !== periodMs)) return alone;
  const last = Math.min(samples.count, start + most);
  const dayEnds = (Math.floor(first / dayMs) + 1) * dayMs;
  let end = alone;
  while (
    end < last &&
    samples.msAt(end) - samples.msAt(end - 1) === periodMs &&
    samples.durationMsAt(end) === durationMs &&
    samples.msAt(end) < dayEnds
  )
    end++;
  return end - start < fewest ? alone : end;
}
