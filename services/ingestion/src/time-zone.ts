import { Temporal } from "temporal-polyfill";

/** A local time on the line of instants. */
export interface ResolvedTime {
  /** UTC milliseconds since 1970. */
  readonly timeMs: number;
  /** East of UTC at that time. Old zones have offsets of seconds (Monrovia until 1972): to the nearest minute. */
  readonly offsetMinutes: number;
}

const LOCAL_TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,3}))?$/;
const listed: ReadonlySet<string> = new Set(Intl.supportedValuesOf("timeZone"));

/** Whether it names an IANA time zone, also by a linked name (`UTC`, `Asia/Calcutta`); offsets (`+01:00`) do not. */
export function isTimeZone(name: string): boolean {
  if (listed.has(name)) return true;
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    // Both: Temporal also takes whole dates for zones, Intl says what is a name.
    new Intl.DateTimeFormat("en", { timeZone: name });
    zonedAt(0, name);
    return true;
  } catch {
    return false;
  }
}

/**
 * The instant of a local time. Of the two instants of a time that a change to winter time repeats it is the earlier
 * one, with the offset before the change (as RFC 5545 has it).
 *
 * @param text `2016-04-12T08:00:00` or with `.123`
 * @param zone a time zone by `isTimeZone`
 * @returns `invalid` for a date or time that no calendar has, `skipped` for one that the zone's clocks left out
 */
export function resolveLocalTime(text: string, zone: string): ResolvedTime | "invalid" | "skipped" {
  const local = parse(text);
  if (local === undefined) return "invalid";
  const zoned = local.toZonedDateTime(zone, { disambiguation: "earlier" });
  if (!zoned.toPlainDateTime().equals(local)) return "skipped";
  return { timeMs: zoned.epochMilliseconds, offsetMinutes: minutes(zoned.offsetNanoseconds) };
}

/** Whether the zone's offset changes after the first instant and not after the last, also if it changes back. */
export function offsetChanges(zone: string, firstMs: number, lastMs: number): boolean {
  const change = zonedAt(firstMs, zone).getTimeZoneTransition("next");
  return change !== null && change.epochMilliseconds <= lastMs;
}

function zonedAt(timeMs: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(zone);
}

/** Field by field: `PlainDateTime.from` would make second 60 a 59. */
function parse(text: string): Temporal.PlainDateTime | undefined {
  const parts = LOCAL_TIME.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number);
  const millisecond = Number((parts[7] ?? "").padEnd(3, "0"));
  try {
    return new Temporal.PlainDateTime(year!, month!, day!, hour, minute, second, millisecond);
  } catch {
    return undefined;
  }
}

function minutes(nanoseconds: number): number {
  return Math.round(nanoseconds / 60e9) + 0; // −0 becomes 0
}
