import { type FhirResource, type FhirValue, isObject } from "@wellapi/fhir-r4";
import type { SearchedDates } from "./dates.ts";
import { hasQuantity, type SearchedQuantity } from "./quantities.ts";

/** A business identifier, `system|value`; an empty system is any. */
export interface SearchedIdentifier {
  readonly system: string;
  readonly value: string;
}

/** What a search asks of an Observation beside its code; an empty list asks for nothing. */
export interface Asked {
  readonly statuses: readonly string[];
  readonly identifiers: readonly SearchedIdentifier[];
  readonly quantities: readonly SearchedQuantity[];
  readonly dates: SearchedDates | undefined;
  readonly updated: SearchedDates | undefined;
}

/** When an observation was, in Unix time; an instant ends where it begins. */
export interface Span {
  readonly ms: number;
  readonly endMs: number;
}

/** Whether an Observation that the exchange makes is one that is searched for. */
export function fits(asked: Asked, resource: FhirResource, span: Span): boolean {
  const { statuses, identifiers, quantities, dates, updated } = asked;
  return (
    (statuses.length === 0 || statuses.includes(String(resource.status))) &&
    (identifiers.length === 0 || hasIdentifier(resource.identifier, identifiers)) &&
    (quantities.length === 0 || hasQuantity(resource, quantities)) &&
    (dates === undefined || overlaps(span, dates)) &&
    (updated === undefined || wasUpdated(resource, updated))
  );
}

function hasIdentifier(held: FhirValue | undefined, asked: readonly SearchedIdentifier[]): boolean {
  const all = Array.isArray(held) ? held.filter(isObject) : [];
  return all.some((one) =>
    asked.some(({ system, value }) => one.value === value && (system === "" || one.system === system)),
  );
}

function overlaps(
  { ms, endMs }: Span,
  { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY }: SearchedDates,
) {
  return ms < to && (ms >= from || endMs > from);
}

/** What does not say when it was changed is not found by when. */
function wasUpdated({ meta }: FhirResource, { from, to }: SearchedDates): boolean {
  const at =
    isObject(meta) && typeof meta.lastUpdated === "string" ? Date.parse(meta.lastUpdated) : Number.NaN;
  return !Number.isNaN(at) && (from === undefined || at >= from) && (to === undefined || at < to);
}
