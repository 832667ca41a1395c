/** A value of FHIR's JSON. A decimal is an object that `JSON.stringify` writes with the digits that were sent. */
export type Json = string | number | boolean | null | JsonObject | readonly Json[];

export interface JsonObject {
  readonly [member: string]: Json | undefined;
}

/** A FHIR R4 resource. */
export interface Resource extends JsonObject {
  readonly resourceType: string;
}

/** Not for a decimal, which is an object of its own kind. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** An element that may repeat, as a list. */
export function listOf(value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly Json[]) : [value];
}

/** The values at a path of names, `context.period`, through elements that repeat. */
export function valuesAt(resource: JsonObject, path: string): readonly Json[] {
  let values: readonly Json[] = [resource];
  for (const name of path.split(".")) {
    values = values.flatMap((value) => (isObject(value) ? listOf(value[name]) : []));
  }
  return values;
}

/** The text of a member; undefined where it is no text. */
export function textOf(object: JsonObject, member: string): string | undefined {
  const value = object[member];
  return typeof value === "string" ? value : undefined;
}
