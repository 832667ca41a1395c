import { intervalOfDate } from "@wellapi/fhir-r4";
import { FhirServiceError } from "../errors.ts";

/** Milliseconds; a missing end is open. */
export interface SearchedDates {
  readonly from?: number;
  readonly to?: number;
}

const prefixed = /^(eq|gt|ge|lt|le|sa|eb)?(\d.*)$/;

/**
 * What the values of one date parameter, joined by `and`, leave of time (FHIR R4, 3.1.1.4.10). A date is found where it overlaps this.
 * Undefined where nothing is left.
 */
export function datesOf(name: string, values: readonly string[]): SearchedDates | undefined {
  const bounds = values.map((value) => boundsOf(name, value));
  const from = Math.max(...bounds.map((one) => one.from ?? Number.NEGATIVE_INFINITY));
  const to = Math.min(...bounds.map((one) => one.to ?? Number.POSITIVE_INFINITY));
  if (from >= to) return undefined;
  return { ...(Number.isFinite(from) && { from }), ...(Number.isFinite(to) && { to }) };
}

function boundsOf(name: string, value: string): SearchedDates {
  const [, prefix = "eq", date = ""] = prefixed.exec(value) ?? [];
  const interval = intervalOfDate(date);
  if (interval === undefined) {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      `${name} has to be a date, such as ge2026-03-01 or lt2026-03-01T08:00:00Z (prefixes eq, gt, ge, lt, le, sa, eb; a time has a zone)`,
    );
  }
  switch (prefix) {
    case "gt":
    case "sa":
      return { from: interval.to };
    case "ge":
      return { from: interval.from };
    case "lt":
    case "eb":
      return { to: interval.from };
    case "le":
      return { to: interval.to };
    default:
      return interval;
  }
}
