import type { Columns } from "@wellapi/series";
import { sliceColumns } from "@wellapi/series";
import type { Interval } from "./interval.ts";

/** Samples of one message. */
export const SAMPLES_A_MESSAGE = 10_000;
/** Gaps travel as unsigned 32-bit milliseconds. */
const MAX_GAP_MS = 2 ** 32 - 1;

/** Columns as pieces that fit into one message each: at most `most` samples, no gap of 50 days. */
export function* pieces(columns: Columns, most = SAMPLES_A_MESSAGE): Generator<Columns> {
  const { times } = columns;
  for (let start = 0; start < times.length; ) {
    let end = start + 1;
    while (end < times.length && end - start < most && times[end]! - times[end - 1]! <= MAX_GAP_MS) end++;
    yield sliceColumns(columns, times[start]!, times[end] ?? Number.POSITIVE_INFINITY);
    start = end;
  }
}

/** What of the columns lies within `intervals`, in order. */
export function* within(columns: Columns, intervals: readonly Interval[]): Generator<Columns> {
  for (const { from, to } of intervals) {
    const part = sliceColumns(columns, from, to);
    if (part.times.length > 0) yield part;
  }
}
