import { definitionOf, type Property, type TypeDefinition } from "./definitions.ts";
import { FhirError } from "./fhir-error.ts";
import { type FhirObject, type FhirResource, type FhirValue, isObject } from "./resource.ts";

/**
 * The one form of a resource: names in the order of HL7's definitions, `name` before `_name`, the two arrays of a primitive of one
 * length, and no array that holds only null. What JSON and XML give for the same resource is equal in this form. Throws `FhirError`
 * (`unusable`) where the resource has a name or a type that R4 does not have; other faults stay.
 */
export function canonical(resource: FhirResource): FhirResource {
  const type = definitionOf(resource.resourceType);
  if (type?.kind !== "resource") throw unusable("This is no resource of FHIR R4");
  return canonicalObject(resource, type) as FhirResource;
}

/** The text of a resource in FHIR's JSON, in canonical form, on one line. Throws as `canonical` does. */
export function formatJson(resource: FhirResource): string {
  return JSON.stringify(canonical(resource));
}

function canonicalObject(object: FhirObject, type: TypeDefinition): FhirObject {
  const ordered: Record<string, FhirValue> = {};
  let left = Object.keys(object).length;
  if (type.kind === "resource") {
    ordered.resourceType = object.resourceType!;
    left--;
  }
  // A look at what is there, in HL7's order, costs less than a sort.
  for (const { properties } of type.elements) {
    for (const property of properties) {
      const value = object[property.name];
      if (value === undefined) {
        if (Object.hasOwn(object, property.name)) left--;
        continue;
      }
      left--;
      const form = canonicalProperty(object, property, value);
      if (form !== undefined) ordered[property.name] = form;
    }
  }
  if (left !== 0) throw unusable(`${type.name} has a property that FHIR R4 does not have`);
  return ordered;
}

function canonicalProperty(object: FhirObject, property: Property, value: FhirValue): FhirValue | undefined {
  const { type } = property;
  if (!Array.isArray(value)) return canonicalValue(value, property);
  const items = value.map((one) => canonicalValue(one, property));
  if (type.kind !== "primitive") return items;
  if (items.every((one) => one === null)) return undefined;
  const pair = object[property.companion ? property.name.slice(1) : `_${property.name}`];
  if (Array.isArray(pair) && pair.some((one) => one !== null)) {
    while (items.length < pair.length) items.push(null);
  }
  return items;
}

function canonicalValue(value: FhirValue, { type, companion }: Property): FhirValue {
  if (!isObject(value)) return value;
  if (companion) return canonicalObject(value, definitionOf("Element")!);
  if (type.kind === "resource") return canonical(value as FhirResource);
  return canonicalObject(value, type);
}

function unusable(text: string): FhirError {
  return new FhirError("unusable", [{ severity: "error", code: "structure", text }]);
}
