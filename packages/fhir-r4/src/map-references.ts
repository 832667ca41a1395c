import { definitionOf, type TypeDefinition } from "./definitions.ts";
import { type FhirObject, type FhirResource, type FhirValue, isObject } from "./resource.ts";

/**
 * The resource with its references rewritten, at every depth, contained resources and extensions included. `rewrite` gets the text
 * of each `Reference.reference` and gives the new one, or undefined to leave it. Texts of other elements (URIs, narrative) stay.
 * What has no reference to rewrite is shared with the original, which does not change.
 */
export function mapReferences(
  resource: FhirResource,
  rewrite: (reference: string) => string | undefined,
): FhirResource {
  const type = definitionOf(resource.resourceType);
  return type ? (mapObject(resource, type, rewrite) as FhirResource) : resource;
}

function mapObject(
  object: FhirObject,
  type: TypeDefinition,
  rewrite: (reference: string) => string | undefined,
): FhirObject {
  let copy: Record<string, FhirValue | undefined> | undefined;
  for (const [name, value] of Object.entries(object)) {
    const property = type.properties.get(name);
    if (!property || value === undefined) continue;
    const mapped =
      type.name === "Reference" && name === "reference" && typeof value === "string"
        ? (rewrite(value) ?? value)
        : mapValue(value, property.companion ? definitionOf("Element")! : property.type, rewrite);
    if (mapped === value) continue;
    copy ??= { ...object };
    copy[name] = mapped;
  }
  return copy ?? object;
}

function mapValue(
  value: FhirValue,
  type: TypeDefinition,
  rewrite: (reference: string) => string | undefined,
): FhirValue {
  if (Array.isArray(value)) {
    const items = value.map((one) => mapValue(one, type, rewrite));
    return items.some((one, at) => one !== value[at]) ? items : value;
  }
  if (!isObject(value)) return value;
  const own = type.kind === "resource" ? definitionOf(String(value.resourceType)) : type;
  return own ? mapObject(value, own, rewrite) : value;
}
