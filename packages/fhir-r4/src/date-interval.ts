/** A span of milliseconds of Unix time: from the first instant inside to the first outside. */
export interface DateInterval {
  readonly from: number;
  readonly to: number;
}

/** A day of UTC. */
export const dayMs = 86_400_000;

/** FHIR's date, dateTime and instant (FHIR R4, 2.24.0.1): a year, a month, a day, or a time of a day with its zone. */
const form =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2}))?)?)?$/;

/**
 * What a date of FHIR means: 2026 is the whole year, 2026-03-01 the day of UTC, a time its second, or its millisecond where it
 * has a fraction. Undefined for a text that is none.
 */
export function intervalOfDate(text: string): DateInterval | undefined {
  const [, year, month, day, clock, fraction, zone] = form.exec(text) ?? [];
  if (year === undefined) return undefined;
  const [y, m, d] = [Number(year), Number(month ?? "1"), Number(day ?? "1")];
  const start = new Date(utc(y, m - 1, d));
  if (start.getUTCMonth() !== m - 1 || start.getUTCDate() !== d) return undefined;
  if (clock !== undefined) {
    const from = Date.parse(
      `${year}-${month}-${day}T${clock}.${(fraction ?? "0").padEnd(3, "0").slice(0, 3)}${zone}`,
    );
    return Number.isNaN(from) ? undefined : { from, to: from + (fraction === undefined ? 1_000 : 1) };
  }
  const from = start.getTime();
  if (day !== undefined) return { from, to: utc(y, m - 1, d + 1) };
  return { from, to: month === undefined ? utc(y + 1, 0, 1) : utc(y, m, 1) };
}

/** `Date.UTC` takes the years 0 to 99 for those of the twentieth century. */
function utc(year: number, month: number, day: number): number {
  return new Date(0).setUTCFullYear(year, month, day);
}
