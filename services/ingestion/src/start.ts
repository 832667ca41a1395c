import { EARLIEST_TIME_MS, FUTURE_SKEW_MS } from "./limits.ts";
import { type ResolvedTime, resolveLocalTime } from "./time-zone.ts";
import { type Violation, violation } from "./violation.ts";

/** The first time of an item, as sent. */
export type Start =
  | {
      readonly kind: "instant";
      /** As google.protobuf.Timestamp; what came over the wire may be outside its range. */
      readonly seconds: number;
      readonly nanos: number;
    }
  | { readonly kind: "local"; readonly text: string };

export interface SentTime {
  readonly start: Start;
  /** Minutes east of UTC, as sent. */
  readonly offsetMinutes: number;
}

/** What times are judged by. */
export interface TimeContext {
  /** UTC milliseconds. */
  readonly now: number;
  /** The batch's: empty, or known by `isTimeZone`. */
  readonly timeZone: string;
}

/** What the contract calls the fields of a kind of item. */
export interface StartFields {
  readonly instant: string;
  readonly local: string;
  readonly offset: string;
}

/** The item's first time, or undefined where there is none to go on with; `found` is told why. */
export function judgeStart(
  { start, offsetMinutes }: SentTime,
  fields: StartFields,
  context: TimeContext,
  found: Violation[],
): ResolvedTime | undefined {
  const field = start.kind === "instant" ? fields.instant : fields.local;
  if (start.kind === "local" && offsetMinutes !== 0) {
    found.push(violation(fields.offset, "OFFSET_WITH_LOCAL_TIME"));
  }
  const resolved = resolve(start, offsetMinutes, context.timeZone);
  if (typeof resolved === "string") {
    found.push(violation(field, resolved));
    return undefined;
  }
  if (resolved.timeMs < EARLIEST_TIME_MS) found.push(violation(field, "TIME_BEFORE_1900"));
  if (resolved.timeMs > context.now + FUTURE_SKEW_MS) {
    found.push(violation(field, "TIME_IN_FUTURE"));
    return undefined; // so is all that follows it
  }
  return resolved;
}

function resolve(
  start: Start,
  offsetMinutes: number,
  timeZone: string,
): ResolvedTime | "TIME_INVALID" | "TIME_TOO_FINE" | "TIME_ZONE_REQUIRED" | "LOCAL_TIME_SKIPPED" {
  if (start.kind === "instant") {
    const { seconds, nanos } = start;
    if (nanos < 0 || nanos > 999_999_999) return "TIME_INVALID";
    if (nanos % 1e6 !== 0) return "TIME_TOO_FINE";
    return { timeMs: seconds * 1_000 + nanos / 1e6, offsetMinutes };
  }
  if (timeZone === "") return "TIME_ZONE_REQUIRED";
  const resolved = resolveLocalTime(start.text, timeZone);
  if (resolved === "invalid") return "TIME_INVALID";
  return resolved === "skipped" ? "LOCAL_TIME_SKIPPED" : resolved;
}
