import type { CodingParts } from "./coding.ts";

/** A value of a sample: a number a component, or one code. */
export type SampleValue =
  | { readonly kind: "numbers"; readonly numbers: readonly string[] }
  | { readonly kind: "code"; readonly code: CodingParts };

/** One sample of a series. */
export interface Sample {
  /** Unix time. */
  readonly ms: number;
  /** 0: an instant. */
  readonly durationMs: number;
  readonly value: SampleValue;
}

/** Samples that one Observation holds: one, or several with the same time between each and the next. */
export interface SampleRun {
  readonly samples: readonly Sample[];
  /** Milliseconds from each to the next; undefined of a single sample. */
  readonly periodMs: number | undefined;
}

/** FHIR's SampledData says when each of its values was taken by one period. Fewer than three values are no rhythm. */
const fewest = 3;
/** So that an Observation has a size that a client can take. */
const most = 10_000;

/**
 * The samples of a series, ascending by time, in runs that are evenly spaced. What is uneven, or is about intervals that do not join,
 * or is coded, comes one by one: SampledData has no place for its times (FHIR R4, 2.24.0.7).
 */
export function runsOf(samples: readonly Sample[]): SampleRun[] {
  const runs: SampleRun[] = [];
  for (let start = 0; start < samples.length; ) {
    const end = endOfRun(samples, start);
    const even = end - start >= fewest;
    const run = samples.slice(start, even ? end : start + 1);
    runs.push({ samples: run, periodMs: even ? run[1]!.ms - run[0]!.ms : undefined });
    start += run.length;
  }
  return runs;
}

/** The place behind the longest run that begins at `start`. */
function endOfRun(samples: readonly Sample[], start: number): number {
  const first = samples[start]!;
  const second = samples[start + 1];
  if (second === undefined || first.value.kind === "code") return start + 1;
  const periodMs = second.ms - first.ms;
  if (periodMs <= 0 || (first.durationMs !== 0 && first.durationMs !== periodMs)) return start + 1;
  let end = start + 1;
  while (
    end < samples.length &&
    end - start < most &&
    samples[end]!.ms - samples[end - 1]!.ms === periodMs &&
    samples[end]!.durationMs === first.durationMs
  )
    end++;
  return end;
}
