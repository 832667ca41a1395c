import { endOfEvenRun, type TimedSamples } from "@wellapi/fhir-r4";
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

/**
 * The samples of a series, ascending by time, in runs that are evenly spaced. What is uneven, or is about intervals that do not join,
 * or is coded, comes one by one.
 */
export function runsOf(samples: readonly Sample[]): SampleRun[] {
  const timed: TimedSamples = {
    count: samples.length,
    msAt: (place) => samples[place]!.ms,
    durationMsAt: (place) => samples[place]!.durationMs,
  };
  const runs: SampleRun[] = [];
  for (let start = 0; start < samples.length; ) {
    const end = samples[start]!.value.kind === "code" ? start + 1 : endOfEvenRun(timed, start);
    const run = samples.slice(start, end);
    runs.push({ samples: run, periodMs: run.length > 1 ? run[1]!.ms - run[0]!.ms : undefined });
    start = end;
  }
  return runs;
}
