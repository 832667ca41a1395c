import { Temporal } from "temporal-polyfill";

/** A calendar day where a person lives: 23 or 25 hours long where summer time begins or ends. Instants are UTC milliseconds. */
export interface LocalDay {
  /** Days since 1 January 1970. */
  readonly number: number;
  /** 1 is Monday, 7 is Sunday (ISO 8601). */
  readonly weekday: number;
  readonly startMs: number;
  /** The next day's start. */
  readonly endMs: number;
  /** The instant at which a clock on the wall has been set to `minutes` after midnight; negative: on the day before. */
  at(minutes: number): number;
  /** Minutes east of UTC, at an instant of this day. */
  offsetAt(ms: number): number;
}

const epoch = Temporal.PlainDate.from("1970-01-01");
const minutesOfDay = 1_440;

/** The number of the day that it is at an instant in an IANA zone. */
export function dayNumberAt(ms: number, timeZone: string): number {
  const date = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone).toPlainDate();
  return epoch.until(date, { largestUnit: "day" }).days;
}

export function createLocalDay(number: number, timeZone: string): LocalDay {
  const date = epoch.add({ days: number });
  const start = date.toZonedDateTime(timeZone);
  const startMs = start.epochMilliseconds;
  const endMs = date.add({ days: 1 }).toZonedDateTime(timeZone).epochMilliseconds;
  const [first, last] = [offsetAt(startMs, timeZone), offsetAt(endMs - 1, timeZone)];
  const changeMs =
    first === last ? Number.POSITIVE_INFINITY : start.getTimeZoneTransition("next")!.epochMilliseconds;
  return {
    number,
    weekday: date.dayOfWeek,
    startMs,
    endMs,
    at(minutes) {
      const days = Math.floor(minutes / minutesOfDay);
      const rest = Math.floor(minutes - days * minutesOfDay);
      const plainTime = { hour: Math.floor(rest / 60), minute: rest % 60 };
      return date.add({ days }).toZonedDateTime({ timeZone, plainTime }).epochMilliseconds;
    },
    offsetAt: (ms) => (ms < changeMs ? first : last),
  };
}

function offsetAt(ms: number, timeZone: string): number {
  const { offsetNanoseconds } = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
  return offsetNanoseconds / 60e9;
}
