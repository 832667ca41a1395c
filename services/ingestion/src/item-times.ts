import type { CheckContext, ResolvedTime, SeriesItem, Start } from "./item.ts";
import { type LocalTimeFault, offsetChanges, resolveLocalTime } from "./local-time.ts";
import type { Violation } from "./violation.ts";

/** 1900-01-01T00:00:00Z: whoever has data was born since. */
export const EARLIEST_TIME_MS = -2_208_988_800_000;
/** How far a device's clock may be ahead of ours. */
export const CLOCK_SKEW_MS = 600_000;
/** Longest span of a series, from its first to its last sample. */
export const MAX_SPAN_MS = 31 * 86_400_000;
/** FHIR's dateTime allows −14:00 to +14:00. */
const MAX_OFFSET_MINUTES = 840;

const localFaults: Readonly<Record<LocalTimeFault, string>> = {
  TIME_ZONE_REQUIRED:
    "a local time needs the batch's time_zone, e.g. `Europe/Berlin`; or send an instant with its offset",
  TIME_ZONE_UNKNOWN: "the batch's time_zone is no IANA time zone: use a name such as `Europe/Berlin`",
  LOCAL_TIME_INVALID: "is no date and time of the calendar",
  LOCAL_TIME_SKIPPED: "was skipped in this zone by a change of the clocks: send the instant with its offset",
};

/** The fields' names where an item says when. */
export interface StartFields {
  readonly instant: string;
  readonly local: string;
  readonly offset: string;
}

/** When an item begins, or what is wrong with it. `utcMs` is undefined where that can't be told. */
export function checkStart(
  start: Start,
  offsetMinutes: number,
  fields: StartFields,
  context: CheckContext,
): {
  readonly utcMs: number | undefined;
  readonly resolved: ResolvedTime | undefined;
  readonly violations: Violation[];
} {
  const violations: Violation[] = [];
  if (start.kind === "local") {
    if (offsetMinutes !== 0) {
      violations.push({
        field: fields.offset,
        reason: "OFFSET_WITH_LOCAL_TIME",
        description: "leave it 0: a local time takes its offset from the batch's time_zone",
      });
    }
    const resolved = resolveLocalTime(start.text, context.timeZone);
    if (typeof resolved === "string") {
      const field = resolved.startsWith("TIME_ZONE") ? "time_zone" : fields.local;
      violations.push({ field, reason: resolved, description: localFaults[resolved] });
      return { utcMs: undefined, resolved: undefined, violations };
    }
    return { utcMs: resolved.ms, resolved, violations };
  }
  if (Math.abs(offsetMinutes) > MAX_OFFSET_MINUTES) {
    violations.push({
      field: fields.offset,
      reason: "OFFSET_OUT_OF_RANGE",
      description: "must lie within 14 hours of UTC: state minutes east of UTC",
    });
  }
  if (!start.whole) {
    violations.push({
      field: fields.instant,
      reason: "TIME_TOO_PRECISE",
      description: "times are kept to the millisecond: round it yourself",
    });
  }
  return { utcMs: start.ms, resolved: undefined, violations };
}

/** Whether an instant is later than our clock allows. */
export function isInFuture(ms: number, context: CheckContext): boolean {
  return ms > context.now + CLOCK_SKEW_MS;
}

export const tooEarly = {
  reason: "TIME_TOO_EARLY",
  description: "lies before 1900-01-01: check the clock and the unit",
};
export const inFuture = {
  reason: "TIME_IN_FUTURE",
  description: "lies more than 10 minutes ahead of the server's clock: check the device's clock and zone",
};

/** The times of a series of `count` samples, at least one. */
export function checkSeriesTimes(
  item: SeriesItem,
  count: number,
  context: CheckContext,
): { readonly resolved: ResolvedTime | undefined; readonly violations: readonly Violation[] } {
  const at = `${context.field}.times`;
  const fields = {
    instant: `${at}.start_time`,
    local: `${at}.local_start_time`,
    offset: `${at}.utc_offset_minutes`,
  };
  const { utcMs, resolved, violations } = checkStart(item.start, item.offsetMinutes, fields, context);
  const { spacing, start } = item;
  if (spacing.kind === "gaps") {
    if (spacing.ms.length !== count - 1) {
      violations.push({
        field: `${at}.gaps_ms`,
        reason: "LENGTH_MISMATCH",
        description: "must have one gap fewer than there are values: a gap before each sample but the first",
      });
      return { resolved, violations };
    }
    const zero = spacing.ms.indexOf(0);
    if (zero >= 0) {
      violations.push({
        field: `${at}.gaps_ms[${zero}]`,
        reason: "TIMES_NOT_ASCENDING",
        description: "must be 1 or more: two samples of a series can't have one time",
      });
    }
  }
  if (utcMs === undefined) return { resolved, violations };
  const span = spanOf(item, count);
  const startField = start.kind === "local" ? fields.local : fields.instant;
  if (utcMs < EARLIEST_TIME_MS) violations.push({ field: startField, ...tooEarly });
  if (isInFuture(utcMs, context)) violations.push({ field: startField, ...inFuture });
  else if (isInFuture(utcMs + span, context)) {
    violations.push({ field: futureField(item, utcMs, at, context), ...inFuture });
  }
  if (span >= MAX_SPAN_MS) {
    violations.push({
      field: at,
      reason: "SERIES_TOO_LONG",
      description: "spans more than 31 days: send it as several",
    });
  } else if (start.kind === "local" && offsetChanges(context.timeZone, utcMs, utcMs + span)) {
    violations.push({
      field: at,
      reason: "OFFSET_CHANGES",
      description:
        "the zone's offset changes within it: send the part before the change and the part after it",
    });
  }
  return { resolved, violations };
}

/** Milliseconds from the first sample to the last. */
function spanOf({ spacing }: SeriesItem, count: number): number {
  if (spacing.kind === "period") return spacing.ms * (count - 1);
  let span = 0;
  for (const gap of spacing.ms) span += gap;
  return span;
}

/** The gap that leads into the future, or the period. */
function futureField({ spacing }: SeriesItem, utcMs: number, at: string, context: CheckContext): string {
  if (spacing.kind === "period") return `${at}.period_ms`;
  let time = utcMs;
  const index = spacing.ms.findIndex((gap) => {
    time += gap;
    return isInFuture(time, context);
  });
  return `${at}.gaps_ms[${index}]`;
}
