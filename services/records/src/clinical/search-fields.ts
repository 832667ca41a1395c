import { type FhirObject, type FhirResource, type FhirValue, isObject } from "@wellapi/fhir-r4";
import type { Interval } from "../model/interval.ts";
import { hullOf, searchedInterval, statedInterval } from "./fhir-time.ts";
import { listOf, textOf, valuesAt } from "./resource.ts";
import { searchElementsOf } from "./search-elements.ts";

/** A code or an identifier with its system, which is empty where none is named. */
export interface Token {
  readonly system: string;
  readonly value: string;
}

/** What a resource can be searched by. */
export interface SearchFields {
  readonly codes: readonly Token[];
  readonly categories: readonly Token[];
  readonly identifiers: readonly Token[];
  readonly statuses: readonly string[];
  /** Its clinical date. */
  readonly date: Interval | undefined;
  /** All dates that it states, from the first to the last: consents' windows have to hold all of it. */
  readonly stated: Interval | undefined;
}

export function searchFieldsOf(resource: FhirResource): SearchFields {
  const { code, date, furtherDates, status } = searchElementsOf(resource.resourceType);
  const dated = date.flatMap((path) => chosenAt(resource, path));
  return {
    codes: unique(code.flatMap((path) => chosenAt(resource, path)).flatMap(codingsOf)),
    categories: unique(listOf(resource.category).flatMap(codingsOf)),
    identifiers: unique(listOf(resource.identifier).flatMap(identifierOf)),
    statuses: listOf(resource[status]).flatMap(statusesOf),
    date: dated.map(searchedInterval).find((one) => one !== undefined),
    stated: hullOf(furtherDates.flatMap((path) => chosenAt(resource, path)).map(statedInterval)),
  };
}

/** The values at a path whose last name may be that of a choice: `onset` is `onsetDateTime`, too. */
function chosenAt(resource: FhirResource, path: string): readonly FhirValue[] {
  const [name, ...outer] = path.split(".").reverse();
  const parents = outer.length === 0 ? [resource] : valuesAt(resource, outer.reverse().join("."));
  return parents.filter(isObject).flatMap((parent) => {
    const names = Object.keys(parent).filter((one) => isChoice(one, name!));
    return names.flatMap((one) => listOf(parent[one]));
  });
}

const choices = ["DateTime", "Date", "Instant", "Period", "CodeableConcept"];

function isChoice(member: string, name: string): boolean {
  return member === name || (member.startsWith(name) && choices.includes(member.slice(name.length)));
}

/** The codings of a CodeableConcept, or a Coding itself. */
export function codingsOf(concept: FhirValue): Token[] {
  if (!isObject(concept)) return [];
  const codings = concept.coding === undefined ? [concept] : listOf(concept.coding).filter(isObject);
  return codings.flatMap((coding) => tokenOf(coding, "code"));
}

function identifierOf(identifier: FhirValue): Token[] {
  return isObject(identifier) ? tokenOf(identifier, "value") : [];
}

function tokenOf(object: FhirObject, member: string): Token[] {
  const value = textOf(object, member);
  return value === undefined ? [] : [{ system: textOf(object, "system") ?? "", value }];
}

/** A code, or the codes of a concept, as conditions have their clinical status. */
function statusesOf(status: FhirValue): string[] {
  return typeof status === "string" ? [status] : codingsOf(status).map(({ value }) => value);
}

function unique(tokens: readonly Token[]): Token[] {
  return [...new Map(tokens.map((token) => [JSON.stringify([token.system, token.value]), token])).values()];
}
