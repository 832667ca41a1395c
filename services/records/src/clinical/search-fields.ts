import { type FhirObject, type FhirResource, type FhirValue, isObject } from "@wellapi/fhir-r4";
import { hullOf, type Interval } from "../model/interval.ts";
import { searchedInterval, statedInterval } from "./fhir-time.ts";
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
  return {
    codes: codesOf(resource),
    categories: categoriesOf(resource),
    identifiers: identifiersOf(resource),
    statuses: statusesOf(resource),
    date: dateOf(resource),
    stated: statedOf(resource),
  };
}

// One by one for those who read many records, and need one field of each.

export function codesOf(resource: FhirResource): readonly Token[] {
  const { code } = searchElementsOf(resource.resourceType);
  return unique(code.flatMap((path) => chosenAt(resource, path)).flatMap(codingsOf));
}

export function categoriesOf(resource: FhirResource): readonly Token[] {
  return unique(listOf(resource.category).flatMap(codingsOf));
}

export function identifiersOf(resource: FhirResource): readonly Token[] {
  return unique(listOf(resource.identifier).flatMap(identifierOf));
}

export function statusesOf(resource: FhirResource): readonly string[] {
  const { status } = searchElementsOf(resource.resourceType);
  return listOf(resource[status]).flatMap(codesOfStatus);
}

export function dateOf(resource: FhirResource): Interval | undefined {
  const { date } = searchElementsOf(resource.resourceType);
  const dated = date.flatMap((path) => chosenAt(resource, path));
  return dated.map(searchedInterval).find((one) => one !== undefined);
}

export function statedOf(resource: FhirResource): Interval | undefined {
  const { furtherDates } = searchElementsOf(resource.resourceType);
  return hullOf(furtherDates.flatMap((path) => chosenAt(resource, path)).map(statedInterval));
}

/** The values at a path whose last name may be that of a choice: `onset` is `onsetDateTime`, too. */
function chosenAt(resource: FhirResource, path: string): readonly FhirValue[] {
  const end = path.lastIndexOf(".");
  const parents = end < 0 ? [resource] : valuesAt(resource, path.slice(0, end)).filter(isObject);
  const found: FhirValue[] = [];
  for (const parent of parents) {
    for (const name of namesOf(path.slice(end + 1)))
      if (Object.hasOwn(parent, name)) found.push(...listOf(parent[name]));
  }
  return found;
}

const choices = ["", "DateTime", "Date", "Instant", "Period", "CodeableConcept"];
const knownNames = new Map<string, readonly string[]>();

/** What a member may be called whose name is that of a choice. The names are those of `searchElementsOf`, so they are few. */
function namesOf(name: string): readonly string[] {
  let names = knownNames.get(name);
  if (names === undefined) {
    names = choices.map((choice) => name + choice);
    knownNames.set(name, names);
  }
  return names;
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
function codesOfStatus(status: FhirValue): string[] {
  return typeof status === "string" ? [status] : codingsOf(status).map(({ value }) => value);
}

function unique(tokens: readonly Token[]): Token[] {
  return [...new Map(tokens.map((token) => [JSON.stringify([token.system, token.value]), token])).values()];
}
