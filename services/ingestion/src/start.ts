import {
  isLocalTime,
  MAX_OFFSET_MINUTES,
  type ResolvedTime,
  resolveLocalTime,
  resolveOffsetTime,
} from "@wellapi/normalize/time-zone";
import { EARLIEST_TIME_MS, FUTURE_SKEW_MS, MAX_TIME_TEXT } from "./limits.ts";
import { type ItemReason, type Violation, violation } from "./violation.ts";

/** The first time of an item, as sent. */
export type Start =
  | {
      readonly kind: "instant";
      /** As google.protobuf.Timestamp; what came over the wire may be outside its range. */
      readonly seconds: number;
      readonly nanos: number;
    }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "none" };

export interface SentTime {
  readonly start: Start;
  /** Minutes east of UTC, as sent. */
  readonly offsetMinutes: number | undefined;
}

/** The context in which times are judged. */
export interface TimeContext {
  /** UTC milliseconds. */
  readonly now: number;
  /** The batch's: empty, or known by `isTimeZone`. */
  readonly timeZone: string;
}

/** What the contract calls the fields of a kind of item. */
export interface StartFields {
  readonly instant: string;
  readonly text: string;
  readonly offset: string;
}

/** The item's first time, or undefined where it is unusable; `found` gets the reason. */
export function judgeStart(
  { start, offsetMinutes }: SentTime,
  fields: StartFields,
  context: TimeContext,
  found: Violation[],
): ResolvedTime | undefined {
  if (start.kind === "none") {
    found.push(violation(fields.instant, "TIME_REQUIRED", `set \`${nameOf(fields.text)}\``));
    return undefined;
  }
  const field = start.kind === "instant" ? fields.instant : fields.text;
  judgeOffset(start, offsetMinutes, fields, found);
  const resolved = resolve(start, offsetMinutes ?? 0, context.timeZone);
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

/** Whether the item's wall clock is that of the batch's time zone. */
export function isLocal(start: Start): boolean {
  return start.kind === "text" && isLocalTime(start.text);
}

function judgeOffset(
  start: Start,
  offsetMinutes: number | undefined,
  fields: StartFields,
  found: Violation[],
): void {
  if (start.kind === "text") {
    if (offsetMinutes !== undefined) found.push(violation(fields.offset, "OFFSET_WITH_TIME_TEXT"));
    return;
  }
  if (offsetMinutes === undefined) {
    const remedy = `set it, 0 for UTC, or send the time with its offset as \`${nameOf(fields.text)}\``;
    found.push(violation(fields.offset, "UTC_OFFSET_REQUIRED", remedy));
  } else if (Math.abs(offsetMinutes) > MAX_OFFSET_MINUTES) {
    found.push(violation(fields.offset, "UTC_OFFSET_OUT_OF_RANGE"));
  }
}

function nameOf(field: string): string {
  return field.slice(field.lastIndexOf(".") + 1);
}

function resolve(
  start: Exclude<Start, { kind: "none" }>,
  offsetMinutes: number,
  timeZone: string,
): ResolvedTime | ItemReason {
  if (start.kind === "instant") {
    const { seconds, nanos } = start;
    if (nanos < 0 || nanos > 999_999_999) return "TIME_INVALID";
    if (nanos % 1e6 !== 0) return "TIME_TOO_FINE";
    return { timeMs: seconds * 1_000 + nanos / 1e6, offsetMinutes };
  }
  const { text } = start;
  if (text.length > MAX_TIME_TEXT) return "TIME_INVALID";
  if (!isLocalTime(text)) return told(resolveOffsetTime(text));
  return timeZone === "" ? "TIME_ZONE_REQUIRED" : told(resolveLocalTime(text, timeZone));
}

const reasons = {
  invalid: "TIME_INVALID",
  too_fine: "TIME_TOO_FINE",
  skipped: "LOCAL_TIME_SKIPPED",
  offset: "UTC_OFFSET_OUT_OF_RANGE",
} as const;

function told(resolved: ResolvedTime | keyof typeof reasons): ResolvedTime | ItemReason {
  return typeof resolved === "string" ? reasons[resolved] : resolved;
}
