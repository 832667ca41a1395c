import type { Purpose } from "../gate/intent.ts";
import { DAY_MS } from "../model/utc-day.ts";

/** What an organization exports of the patients whose consents let it read. Holds neither data nor patients. */
export interface Export {
  /** `exp_...` */
  readonly id: string;
  /** FHIR's names, as they were sent; empty: all. */
  readonly types: readonly string[];
  /** UTC milliseconds; undefined: since ever. */
  readonly since: number | undefined;
  /** `name`, or `Patient.name` of one type alone; empty: all. */
  readonly elements: readonly string[];
  /** Searches of FHIR, as `Condition?code=I10`; empty: all of each type. */
  readonly typeFilters: readonly string[];
  readonly purpose: Purpose;
  readonly deIdentified: boolean;
  readonly created: number;
  readonly expires: number;
  readonly cancelled: boolean;
}

export const EXPORT_LIFE_MS = 7 * DAY_MS;

/** Exports of one organization that have neither ended nor been cancelled. */
export const MOST_EXPORTS = 100;

export type ExportTerms = Pick<
  Export,
  "types" | "since" | "elements" | "typeFilters" | "purpose" | "deIdentified"
>;

export function newExport(id: string, terms: ExportTerms, now: number): Export {
  return { id, ...terms, created: now, expires: now + EXPORT_LIFE_MS, cancelled: false };
}

export function isOver({ cancelled, expires }: Export, now: number): boolean {
  return cancelled || now >= expires;
}

/** Whether a request that is sent again asks for the same. */
export function isSame(one: ExportTerms, other: ExportTerms): boolean {
  return (
    one.deIdentified === other.deIdentified &&
    one.since === other.since &&
    one.purpose === other.purpose &&
    one.types.join() === other.types.join() &&
    one.elements.join() === other.elements.join() &&
    one.typeFilters.join("\n") === other.typeFilters.join("\n")
  );
}
