import { type FhirObject, type FhirValue, isObject } from "@wellapi/fhir-r4";

/** An element that may repeat, as a list. */
export function listOf(value: FhirValue | undefined): readonly FhirValue[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly FhirValue[]) : [value];
}

/** The values at a path of names, `context.period`, through elements that repeat. */
export function valuesAt(resource: FhirObject, path: string): readonly FhirValue[] {
  let values: readonly FhirValue[] = [resource];
  for (const name of path.split(".")) {
    values = values.flatMap((value) => (isObject(value) ? listOf(value[name]) : []));
  }
  return values;
}

/** The text of a member; undefined where it is no text. */
export function textOf(object: FhirObject, member: string): string | undefined {
  const value = object[member];
  return typeof value === "string" ? value : undefined;
}
