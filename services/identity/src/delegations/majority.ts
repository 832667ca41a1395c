import { Temporal } from "temporal-polyfill";
import { invalidField } from "../errors.ts";
import type { TimeZonePeriod } from "../patients/time-zone.ts";

/**
 * The instant at which somebody comes of age, UTC milliseconds: the start of that birthday, of 1 March for who was born on 29
 * February and has none, in the time zone of the patient by then.
 */
export function majorityOf(birthDate: string, age: number, zones: readonly TimeZonePeriod[]): number {
  const { year, month, day } = Temporal.PlainDate.from(birthDate);
  const birthday =
    month === 2 && day === 29 && !Temporal.PlainDate.from({ year: year + age, month: 1, day: 1 }).inLeapYear
      ? Temporal.PlainDate.from({ year: year + age, month: 3, day: 1 })
      : Temporal.PlainDate.from({ year: year + age, month, day });
  const about = birthday.toZonedDateTime("UTC").epochMilliseconds;
  const zone = zones.findLast(({ startTime = Number.NEGATIVE_INFINITY }) => startTime <= about) ?? zones[0];
  return birthday.toZonedDateTime(zone?.timeZone ?? "UTC").epochMilliseconds;
}

/** What the law of the patients says of minors; an installation's settings. */
export interface Minority {
  /** Years. */
  readonly majority: number;
  /** Years, from which on a minor has care of their own. */
  readonly ownCareAge: number;
  /** Its categories. */
  readonly ownCareCategories: readonly string[];
}

/**
 * The categories that are not for whoever acts in the name of somebody born then: none before the age from which a minor has care of
 * their own, and none from majority on.
 */
export function hiddenCare(
  birthDate: string,
  zones: readonly TimeZonePeriod[],
  { majority, ownCareAge, ownCareCategories }: Minority,
  now: number,
): readonly string[] {
  const from = majorityOf(birthDate, ownCareAge, zones);
  return now >= from && now < majorityOf(birthDate, majority, zones) ? ownCareCategories : [];
}

/** Throws `invalid` unless it is a date of the calendar, in the past. */
export function checkBirthDate(birthDate: string, now: number): void {
  let born: number;
  try {
    born = Temporal.PlainDate.from(birthDate, { overflow: "reject" }).toZonedDateTime(
      "UTC",
    ).epochMilliseconds;
  } catch {
    throw invalidField("birth_date", "it is no date: write it as 2012-03-31");
  }
  if (born > now) throw invalidField("birth_date", "it lies in the future");
}
