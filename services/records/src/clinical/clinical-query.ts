import type { FhirResource } from "@wellapi/fhir-r4";
import type { Interval } from "../model/interval.ts";
import { recordsReferredTo } from "./references.ts";
import { type SearchFields, searchFieldsOf, type Token } from "./search-fields.ts";

/** What lists are ordered by: the clinical date, or the last change. */
export interface ClinicalOrder {
  readonly by: "time" | "update";
  readonly descending: boolean;
}

/** What to list; an absent or empty part leaves all. A record has to fit every part, and of a list any of its values. */
export interface ClinicalQuery {
  readonly types: ReadonlySet<string>;
  readonly categories: ReadonlySet<string>;
  readonly codes: readonly Token[];
  readonly resourceCategories: readonly Token[];
  readonly statuses: ReadonlySet<string>;
  readonly identifiers: readonly Token[];
  /** What the clinical date overlaps. */
  readonly interval: Interval | undefined;
  /** Of the last change. */
  readonly updated: Interval | undefined;
  /** Internal ids; undefined: all. */
  readonly records: ReadonlySet<string> | undefined;
  /** Internal ids. */
  readonly referringTo: ReadonlySet<string> | undefined;
  readonly organizations: ReadonlySet<string>;
  readonly order: ClinicalOrder;
}

/** Whether the content of a record fits, beside its type and classes. */
export function fitsQuery(query: ClinicalQuery, resource: FhirResource, organization: string): boolean {
  const { organizations, referringTo } = query;
  if (organizations.size > 0 && !organizations.has(organization)) return false;
  if (!fitsFields(query, searchFieldsOf(resource))) return false;
  return referringTo === undefined || !recordsReferredTo(resource).isDisjointFrom(referringTo);
}

function fitsFields(query: ClinicalQuery, fields: SearchFields): boolean {
  return (
    hasAny(fields.codes, query.codes) &&
    hasAny(fields.categories, query.resourceCategories) &&
    hasAny(fields.identifiers, query.identifiers) &&
    (query.statuses.size === 0 || fields.statuses.some((status) => query.statuses.has(status))) &&
    (query.interval === undefined || overlap(fields.date, query.interval))
  );
}

/** An asked token without a system is of any. */
function hasAny(held: readonly Token[], asked: readonly Token[]): boolean {
  if (asked.length === 0) return true;
  return asked.some(({ system, value }) =>
    held.some((one) => one.value === value && (system === "" || one.system === system)),
  );
}

function overlap(date: Interval | undefined, { from, to }: Interval): boolean {
  return date !== undefined && date.from < to && date.to > from;
}
