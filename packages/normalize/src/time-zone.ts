import { Temporal } from "temporal-polyfill";

/** ±18 hours, wider than any zone since 1900. */
export const MAX_OFFSET_MINUTES = 18 * 60;

/** A local time on the line of instants. */
export interface ResolvedTime {
  /** UTC milliseconds since 1970. */
  readonly timeMs: number;
  /** East of UTC at that time. Old zones have offsets of seconds (Monrovia until 1972): to the nearest minute. */
  readonly offsetMinutes: number;
}

const LOCAL_TIME = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?$/;
const LOCAL_DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
/** RFC 3339's offset. `-00:00` says that the offset is not known, so it is none. */
const OFFSET = /^(.*?)(?:[Zz]|([+-])(\d{2}):(\d{2}))$/s;
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

/** Whether it is a date and time without an offset, also one that does not exist. */
export function isLocalTime(text: string): boolean {
  return LOCAL_TIME.test(text);
}

/**
 * The instant of a time with its offset, `2016-04-12T08:00:00.123+02:00` or `...Z` (RFC 3339).
 *
 * @returns `invalid` for a text of another form or a date that does not exist; `too_fine` for parts of a millisecond;
 *   `offset` for an offset of more than 18 hours
 */
export function resolveOffsetTime(text: string): ResolvedTime | "invalid" | "too_fine" | "offset" {
  const parts = OFFSET.exec(text);
  const local = parts === null ? "invalid" : parse(parts[1]!);
  if (parts === null || typeof local === "string") return local as "invalid" | "too_fine";
  const [sign, hours, minute] = [parts[2], Number(parts[3] ?? 0), Number(parts[4] ?? 0)];
  if (minute > 59 || (sign === "-" && hours === 0 && minute === 0)) return "invalid";
  const offsetMinutes = (sign === "-" ? -1 : 1) * (hours * 60 + minute) + 0; // −0 becomes 0
  if (Math.abs(offsetMinutes) > MAX_OFFSET_MINUTES) return "offset";
  const timeMs = local.toZonedDateTime("UTC").epochMilliseconds - offsetMinutes * 60_000;
  return { timeMs, offsetMinutes };
}

/**
 * The instant of a local time. Of the two instants of a time that a change to winter time repeats it is the earlier
 * one, with the offset before the change (as RFC 5545 has it), or the later one where only that comes after `afterMs`.
 *
 * @param text `2016-04-12T08:00:00` or with `.123`
 * @param zone a time zone by `isTimeZone`
 * @param afterMs UTC milliseconds of the time before it, in a list whose times ascend
 * @returns `invalid` for a date or time that no calendar has, `skipped` for one that the zone's clocks left out,
 *   `too_fine` for parts of a millisecond
 */
export function resolveLocalTime(
  text: string,
  zone: string,
  afterMs = Number.NEGATIVE_INFINITY,
): ResolvedTime | "invalid" | "too_fine" | "skipped" {
  const local = parse(text);
  if (typeof local === "string") return local;
  const earlier = local.toZonedDateTime(zone, { disambiguation: "earlier" });
  if (!earlier.toPlainDateTime().equals(local)) return "skipped";
  const zoned =
    earlier.epochMilliseconds > afterMs ? earlier : local.toZonedDateTime(zone, { disambiguation: "later" });
  return { timeMs: zoned.epochMilliseconds, offsetMinutes: minutes(zoned.offsetNanoseconds) };
}

/** Minutes east of UTC of the zone at an instant in UTC milliseconds. */
export function offsetAt(timeMs: number, zone: string): number {
  return minutes(zonedAt(timeMs, zone).offsetNanoseconds);
}

/**
 * The day of a zone, from its first instant to that of the next day: 23 to 25 hours.
 *
 * @param date `2016-04-12`
 * @returns `invalid` for a date that no calendar has or a day that the zone left out
 */
export function dayOf(
  date: string,
  zone: string,
): (ResolvedTime & { readonly durationMs: number }) | "invalid" {
  const parts = LOCAL_DATE.exec(date);
  if (parts === null) return "invalid";
  try {
    const day = new Temporal.PlainDate(...(parts.slice(1).map(Number) as [number, number, number]));
    const start = day.toZonedDateTime(zone);
    const durationMs = day.add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds - start.epochMilliseconds;
    if (durationMs <= 0 || !start.toPlainDate().equals(day)) return "invalid";
    return {
      timeMs: start.epochMilliseconds,
      offsetMinutes: minutes(start.offsetNanoseconds),
      durationMs,
    };
  } catch {
    return "invalid";
  }
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
function parse(text: string): Temporal.PlainDateTime | "invalid" | "too_fine" {
  const parts = LOCAL_TIME.exec(text);
  if (parts === null) return "invalid";
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number);
  const fraction = (parts[7] ?? "").padEnd(9, "0");
  if (!fraction.endsWith("000000")) return "too_fine";
  const millisecond = Number(fraction.slice(0, 3));
  try {
    return new Temporal.PlainDateTime(year!, month!, day!, hour, minute, second, millisecond);
  } catch {
    return "invalid";
  }
}

function minutes(nanoseconds: number): number {
  return Math.round(nanoseconds / 60e9) + 0; // −0 becomes 0
}
