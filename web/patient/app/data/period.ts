import { Temporal } from "temporal-polyfill";

export const periodKinds = ["day", "week", "month", "year"] as const;
export type PeriodKind = (typeof periodKinds)[number];

/** A day, week (from Monday), month or year of the patient's calendar; UTC milliseconds, half-open. */
export interface Period {
  readonly kind: PeriodKind;
  readonly start: number;
  readonly end: number;
}

/** The one in which the instant lies. */
export function periodAt(kind: PeriodKind, ms: number, zone: string): Period {
  return periodFrom(kind, firstDayOf(kind, dayOf(ms, zone)), zone);
}

/** The one so many later; before, where it is negative. */
export function shifted({ kind, start }: Period, by: number, zone: string): Period {
  return periodFrom(kind, dayOf(start, zone).add({ [`${kind}s`]: by }), zone);
}

/** Where the axis of the period has its marks: UTC milliseconds. */
export function marksOf({ kind, start, end }: Period, zone: string): readonly number[] {
  const marks: number[] = [];
  const first = dayOf(start, zone);
  if (kind === "day") {
    for (const hour of [0, 6, 12, 18]) {
      marks.push(first.toZonedDateTime({ timeZone: zone, plainTime: { hour } }).epochMilliseconds);
    }
    return [...marks, end];
  }
  const step = { week: { days: 1 }, month: { days: 7 }, year: { months: 1 } }[kind];
  for (let day = first; startOf(day, zone) < end; day = day.add(step)) marks.push(startOf(day, zone));
  return marks;
}

/** When a day begins that is written as `2026-11-27`: UTC milliseconds. */
export function dayStart(day: string, zone: string): number {
  return startOf(Temporal.PlainDate.from(day), zone);
}

/** When the day after it begins. */
export function nextDayStart(day: string, zone: string): number {
  return startOf(Temporal.PlainDate.from(day).add({ days: 1 }), zone);
}

function dayOf(ms: number, zone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).toPlainDate();
}

function firstDayOf(kind: PeriodKind, day: Temporal.PlainDate): Temporal.PlainDate {
  switch (kind) {
    case "day":
      return day;
    case "week":
      return day.subtract({ days: day.dayOfWeek - 1 });
    case "month":
      return day.with({ day: 1 });
    case "year":
      return day.with({ month: 1, day: 1 });
  }
}

function periodFrom(kind: PeriodKind, first: Temporal.PlainDate, zone: string): Period {
  return { kind, start: startOf(first, zone), end: startOf(first.add({ [`${kind}s`]: 1 }), zone) };
}

/** A day begins at its first instant, which is not midnight where a change of time swallows it. */
function startOf(day: Temporal.PlainDate, zone: string): number {
  return day.toZonedDateTime({ timeZone: zone }).epochMilliseconds;
}
