import { type FhirObject, type FhirResource, type FhirValue, isObject } from "@wellapi/fhir-r4";
import type { CodingInRecord, RecordContent } from "@wellapi/terminology";
import { listOf, textOf } from "./resource.ts";
import { codingsOf } from "./search-fields.ts";

/**
 * What the classes of a resource depend on: the types of all resources in it, and every coding wherever it stands, in contained
 * resources, extensions and security labels, too.
 */
export function recordContentOf(resource: FhirResource): RecordContent {
  const types: string[] = [];
  const codings: CodingInRecord[] = [];
  const observations: RecordContent["observations"][number][] = [];

  function visit(value: FhirValue | undefined, type: string): void {
    if (Array.isArray(value)) for (const one of value as readonly FhirValue[]) visit(one, type);
    else if (isObject(value)) visitObject(value, type);
  }

  function visitObject(object: FhirObject, outer: string): void {
    const own = textOf(object, "resourceType");
    if (own !== undefined) types.push(own);
    if (own === "Observation") observations.push(observationOf(object));
    const type = own ?? outer;
    const code = textOf(object, "code");
    if (code !== undefined) codings.push({ system: textOf(object, "system") ?? "", code, type });
    for (const member of Object.keys(object)) visit(object[member], type);
  }

  visit(resource, resource.resourceType);
  return { types, codings, observations };
}

function observationOf(observation: FhirObject): RecordContent["observations"][number] {
  const components = listOf(observation.component).filter(isObject);
  const concepts = [observation, ...components].flatMap(({ code }) => listOf(code));
  return {
    codes: concepts.flatMap(codingsOf).map(({ system, value }) => ({ system, code: value })),
    categories: listOf(observation.category)
      .flatMap(codingsOf)
      .map(({ value }) => value),
  };
}
