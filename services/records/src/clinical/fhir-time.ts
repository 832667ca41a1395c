import { ALWAYS, type Interval } from "../model/interval.ts";
import { isObject, type Json, textOf } from "./resource.ts";

/** FHIR's date, dateTime and instant: a year, a month, a day, or a time of a day with its zone. */
const form =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2}))?)?)?$/;

/**
 * What a date of FHIR means: 2026 is the whole year, 2026-03-01 the day of UTC, a time its second, or its millisecond where it
 * has a fraction. Undefined for a text that is none.
 */
export function intervalOfDate(text: string): Interval | undefined {
  const [, year, month, day, clock, fraction, zone] = form.exec(text) ?? [];
  if (year === undefined) return undefined;
  if (clock !== undefined) {
    const from = Date.parse(
      `${year}-${month}-${day}T${clock}.${(fraction ?? "0").padEnd(3, "0").slice(0, 3)}${zone}`,
    );
    return Number.isNaN(from) ? undefined : { from, to: from + (fraction === undefined ? 1_000 : 1) };
  }
  const [y, m, d] = [Number(year), Number(month ?? "1"), Number(day ?? "1")];
  const from = utc(y, m - 1, d);
  if (new Date(from).getUTCMonth() !== m - 1 || new Date(from).getUTCDate() !== d) return undefined;
  if (day !== undefined) return { from, to: utc(y, m - 1, d + 1) };
  return { from, to: month === undefined ? utc(y + 1, 0, 1) : utc(y, m, 1) };
}

/** `Date.UTC` takes the years 0 to 99 for those of the twentieth century. */
function utc(year: number, month: number, day: number): number {
  const date = new Date(0);
  return date.setUTCFullYear(year, month, day);
}

/** A date, or a Period, as it is searched: an open end is open. Undefined for anything else. */
export function searchedInterval(value: Json | undefined): Interval | undefined {
  if (typeof value === "string") return intervalOfDate(value);
  if (!isObject(value)) return undefined;
  const start = intervalOfDate(textOf(value, "start") ?? "");
  const end = intervalOfDate(textOf(value, "end") ?? "");
  if (start === undefined && end === undefined) return undefined;
  return { from: start?.from ?? ALWAYS.from, to: end?.to ?? ALWAYS.to };
}

/** The dates that a value states, from the first to the last: an open end states none. */
export function statedInterval(value: Json | undefined): Interval | undefined {
  if (typeof value === "string") return intervalOfDate(value);
  if (!isObject(value)) return undefined;
  return hullOf(["start", "end"].map((end) => intervalOfDate(textOf(value, end) ?? "")));
}

/** From the first beginning to the last end; undefined where there is none. */
export function hullOf(intervals: ReadonlyArray<Interval | undefined>): Interval | undefined {
  const stated = intervals.filter((one) => one !== undefined);
  if (stated.length === 0) return undefined;
  return {
    from: Math.min(...stated.map(({ from }) => from)),
    to: Math.max(...stated.map(({ to }) => to)),
  };
}
