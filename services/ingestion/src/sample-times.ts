import { offsetChanges, type ResolvedTime } from "@wellapi/normalize/time-zone";
import { FUTURE_SKEW_MS, MAX_SAMPLE_DURATION_MS, MAX_SERIES_REACH_MS, MAX_SERIES_SPAN_MS } from "./limits.ts";
import { isLocal, judgeStart, type SentTime, type StartFields, type TimeContext } from "./start.ts";
import { firstViolation, type Violation, violation } from "./violation.ts";

export interface SampleTimes extends SentTime {
  readonly spacing:
    | { readonly kind: "period"; readonly periodMs: number }
    | { readonly kind: "gaps"; readonly gapsMs: readonly number[] }
    | { readonly kind: "none" };
  readonly durationMs: number;
  /** Instead of `durationMs`; else empty. */
  readonly durationsMs: readonly number[];
}

const startFields: StartFields = {
  instant: "times.start_time",
  text: "times.start_time_text",
  offset: "times.utc_offset_minutes",
};

/** Returns the first time, if the judgement can continue with it. */
export function judgeTimes(
  times: SampleTimes | undefined,
  count: number,
  context: TimeContext,
  found: Violation[],
): ResolvedTime | undefined {
  if (times === undefined) {
    found.push(violation("times", "TIME_REQUIRED", "set `times`"));
    return undefined;
  }
  judgeDurations(times, count, found);
  const first = judgeStart(times, startFields, context, found);
  // How long the series may last until it reaches the future. NaN: nothing is later than that.
  const roomMs = context.now + FUTURE_SKEW_MS - (first?.timeMs ?? Number.NaN);
  const spanMs = judgeSpacing(times, count, roomMs, found);
  const reachMs = Math.max(spanMs + times.durationMs, longestReach(times));
  if (spanMs >= MAX_SERIES_SPAN_MS || reachMs > MAX_SERIES_REACH_MS)
    found.push(violation("times", "SERIES_TOO_LONG"));
  else if (first !== undefined && spanMs > 0 && isLocal(times.start)) {
    const changes = offsetChanges(context.timeZone, first.timeMs, first.timeMs + spanMs);
    if (changes) found.push(violation("times", "OFFSET_CHANGES_WITHIN"));
  }
  return first;
}

/** From the first sample to the end of whichever ends last, where durations differ; else 0. */
function longestReach({ spacing, durationsMs }: SampleTimes): number {
  let reach = 0;
  let time = 0;
  for (let i = 0; i < durationsMs.length; i++) {
    if (i > 0) {
      if (spacing.kind === "gaps") time += spacing.gapsMs[i - 1] ?? 0;
      if (spacing.kind === "period") time += spacing.periodMs;
    }
    reach = Math.max(reach, time + durationsMs[i]!);
  }
  return reach;
}

function judgeDurations({ durationMs, durationsMs }: SampleTimes, count: number, found: Violation[]): void {
  if (durationMs > MAX_SAMPLE_DURATION_MS) {
    found.push(violation("times.duration_ms", "DURATION_TOO_LONG", "at most 31 days"));
  }
  if (durationsMs.length === 0) return;
  const field = "times.durations_ms";
  if (durationMs !== 0) found.push(violation(field, "DURATIONS_MIXED"));
  if (durationsMs.length !== count) found.push(violation(field, "LENGTH_MISMATCH", "one for each value"));
  tellFirst(durationsMs, (length) => length === 0, field, "DURATION_ZERO", found);
  tellFirst(durationsMs, (length) => length > MAX_SAMPLE_DURATION_MS, field, "DURATION_TOO_LONG", found);
}

function tellFirst(
  entries: readonly number[],
  isWrong: (entry: number) => boolean,
  field: string,
  reason: Parameters<typeof violation>[1],
  found: Violation[],
): void {
  let first = -1;
  let count = 0;
  for (let i = 0; i < entries.length; i++) {
    if (!isWrong(entries[i]!)) continue;
    if (count === 0) first = i;
    count++;
  }
  if (count > 0) found.push(firstViolation(`${field}[${first}]`, reason, count));
}

/** Returns the time from the first sample to the last, in milliseconds. */
function judgeSpacing({ spacing }: SampleTimes, count: number, roomMs: number, found: Violation[]): number {
  switch (spacing.kind) {
    case "gaps":
      return judgeGaps(spacing.gapsMs, count, roomMs, found);
    case "period":
      return judgePeriod(spacing.periodMs, count, roomMs, found);
    case "none":
      if (count > 1) found.push(violation("times", "SPACING_REQUIRED"));
      return 0;
  }
}

function judgeGaps(gapsMs: readonly number[], count: number, roomMs: number, found: Violation[]): number {
  if (count > 0 && gapsMs.length !== count - 1) {
    found.push(violation("times.gaps.gaps_ms", "LENGTH_MISMATCH", "one gap fewer than there are values"));
  }
  let sum = 0;
  let future = -1;
  for (let i = 0; i < gapsMs.length; i++) {
    sum += gapsMs[i]!;
    if (sum > roomMs && future < 0) future = i;
  }
  tellFirst(gapsMs, (gap) => gap === 0, "times.gaps.gaps_ms", "GAP_ZERO", found);
  if (future >= 0) found.push(violation(`times.gaps.gaps_ms[${future}]`, "TIME_IN_FUTURE"));
  return sum;
}

function judgePeriod(periodMs: number, count: number, roomMs: number, found: Violation[]): number {
  if (periodMs === 0 && count > 1) found.push(violation("times.period_ms", "PERIOD_ZERO"));
  const sum = periodMs * Math.max(count - 1, 0);
  if (sum > roomMs) found.push(violation("times.period_ms", "TIME_IN_FUTURE"));
  return sum;
}
