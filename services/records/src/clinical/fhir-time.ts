import { type FhirValue, intervalOfDate, isObject } from "@wellapi/fhir-r4";
import { ALWAYS, hullOf, type Interval } from "../model/interval.ts";
import { textOf } from "./resource.ts";

/** A date, or a Period, as it is searched: an open end is open. Undefined for anything else. */
export function searchedInterval(value: FhirValue | undefined): Interval | undefined {
  if (typeof value === "string") return intervalOfDate(value);
  if (!isObject(value)) return undefined;
  const start = intervalOfDate(textOf(value, "start") ?? "");
  const end = intervalOfDate(textOf(value, "end") ?? "");
  if (start === undefined && end === undefined) return undefined;
  return { from: start?.from ?? ALWAYS.from, to: end?.to ?? ALWAYS.to };
}

/** The dates that a value states, from the first to the last: an open end states none. */
export function statedInterval(value: FhirValue | undefined): Interval | undefined {
  if (typeof value === "string") return intervalOfDate(value);
  if (!isObject(value)) return undefined;
  return hullOf(["start", "end"].map((end) => intervalOfDate(textOf(value, end) ?? "")));
}
