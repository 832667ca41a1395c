import { Temporal } from "temporal-polyfill";
import type { ResolvedTime } from "./item.ts";

export type LocalTimeFault =
  | "TIME_ZONE_REQUIRED"
  | "TIME_ZONE_UNKNOWN"
  | "LOCAL_TIME_INVALID"
  | "LOCAL_TIME_SKIPPED";

/**
 * The instant of a wall-clock time in an IANA zone. A time that the change to summer time skips is refused: it
 * never was. Of a time that the change to winter time repeats, the first is meant (the earlier offset).
 */
export function resolveLocalTime(text: string, timeZone: string): ResolvedTime | LocalTimeFault {
  if (timeZone === "") return "TIME_ZONE_REQUIRED";
  if (!isTimeZone(timeZone)) return "TIME_ZONE_UNKNOWN";
  const local = plainDateTime(text);
  if (local === undefined) return "LOCAL_TIME_INVALID";
  const zoned = local.toZonedDateTime(timeZone, { disambiguation: "earlier" });
  if (!zoned.toPlainDateTime().equals(local)) return "LOCAL_TIME_SKIPPED";
  return { ms: zoned.epochMilliseconds, offsetMinutes: Math.round(zoned.offsetNanoseconds / 6e10) };
}

/** Whether the zone's offset changes after `fromMs` and until `toMs`, both UTC milliseconds. */
export function offsetChanges(timeZone: string, fromMs: number, toMs: number): boolean {
  const from = Temporal.Instant.fromEpochMilliseconds(fromMs).toZonedDateTimeISO(timeZone);
  const to = Temporal.Instant.fromEpochMilliseconds(toMs).toZonedDateTimeISO(timeZone);
  if (from.offsetNanoseconds !== to.offsetNanoseconds) return true;
  const next = from.getTimeZoneTransition("next");
  return next !== null && next.epochMilliseconds <= toMs;
}

/** An IANA name; an offset such as `+02:00` is none, though Intl takes it. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Undefined for a date that there is not, and for second 60, which Temporal would make 59. */
function plainDateTime(text: string): Temporal.PlainDateTime | undefined {
  if (/T\d\d:\d\d:60/.test(text)) return undefined;
  try {
    return Temporal.PlainDateTime.from(text, { overflow: "reject" });
  } catch {
    return undefined;
  }
}
