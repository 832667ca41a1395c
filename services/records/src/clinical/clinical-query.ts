import type { FhirResource } from "@wellapi/fhir-r4";
import type { Interval } from "../model/interval.ts";
import { recordsReferredTo } from "./references.ts";
import { categoriesOf, dateOf, identifiersOf, statusesOf, type Token } from "./search-fields.ts";

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

/** What queries ask of the content of a record. */
export interface QueriedContent {
  readonly resource: FhirResource;
  /** `codesOf(resource)`: nearly every search asks for a code. */
  readonly codes: () => readonly Token[];
}

/** Whether the content of a record fits, beside its type and classes. */
export function fitsQuery(query: ClinicalQuery, content: QueriedContent, organization: string): boolean {
  const { organizations, referringTo } = query;
  if (organizations.size > 0 && !organizations.has(organization)) return false;
  if (!fitsFields(query, content)) return false;
  return referringTo === undefined || !recordsReferredTo(content.resource).isDisjointFrom(referringTo);
}

/** Looks only at what is asked for. */
function fitsFields(query: ClinicalQuery, { resource, codes: codesOf }: QueriedContent): boolean {
  const { codes, resourceCategories, identifiers, statuses, interval } = query;
  return (
    (codes.length === 0 || hasAny(codesOf(), codes)) &&
    (resourceCategories.length === 0 || hasAny(categoriesOf(resource), resourceCategories)) &&
    (identifiers.length === 0 || hasAny(identifiersOf(resource), identifiers)) &&
    (statuses.size === 0 || statusesOf(resource).some((status) => statuses.has(status))) &&
    (interval === undefined || overlap(dateOf(resource), interval))
  );
}

/** An asked token without a system is of any. */
function hasAny(held: readonly Token[], asked: readonly Token[]): boolean {
  return asked.some(({ system, value }) =>
    held.some((one) => one.value === value && (system === "" || one.system === system)),
  );
}

function overlap(date: Interval | undefined, { from, to }: Interval): boolean {
  return date !== undefined && date.from < to && date.to > from;
}
