import { canonical } from "../canonical.ts";
import { isCarried } from "../characters.ts";
import { definitionOf, type Property, type TypeDefinition } from "../definitions.ts";
import { FhirError } from "../fhir-error.ts";
import { type FhirObject, type FhirResource, type FhirValue, isObject } from "../resource.ts";
import { narrativeFault } from "./narrative.ts";

export const fhirNamespace = "http://hl7.org/fhir";

/**
 * The text of a resource in FHIR's XML, without added white space. Throws `FhirError` (`unusable`) as `canonical` does, and where a
 * narrative or a text is nothing that XML can carry: what `validate` accepts never is.
 */
export function formatXml(resource: FhirResource): string {
  return `<?xml version="1.0" encoding="UTF-8"?>${resourceXml(canonical(resource))}`;
}

function resourceXml(resource: FhirResource): string {
  const { resourceType } = resource;
  return `<${resourceType} xmlns="${fhirNamespace}">${body(resource, definitionOf(resourceType)!)}</${resourceType}>`;
}

/** The elements of an object, in order. Its attributes (`isAttribute`) are not among them. */
function body(object: FhirObject, type: TypeDefinition): string {
  let text = "";
  const written = new Set<string>();
  for (const name of Object.keys(object)) {
    const property = type.properties.get(name);
    if (!property || isAttribute(name, type)) continue;
    const bare = property.companion ? name.slice(1) : name;
    if (written.has(bare)) continue;
    written.add(bare);
    text += elements(bare, object[bare], object[`_${bare}`], type.properties.get(bare)!);
  }
  return text;
}

/** All items of one element: values, and for primitives their ids and extensions. */
function elements(
  name: string,
  value: FhirValue | undefined,
  parts: FhirValue | undefined,
  property: Property,
): string {
  if (!property.element.list) return element(name, value, parts, property);
  const values = listOf(value, name);
  const companions = listOf(parts, name);
  let text = "";
  for (let at = 0; at < Math.max(values.length, companions.length); at++) {
    text += element(name, values[at] ?? undefined, companions[at] ?? undefined, property);
  }
  return text;
}

function element(
  name: string,
  value: FhirValue | undefined,
  parts: FhirValue | undefined,
  { type }: Property,
): string {
  if (type.name === "xhtml") return narrative(value);
  if (type.kind === "primitive") return primitive(name, value, parts);
  if (!isObject(value)) throw unusable(`${name} is no object`);
  if (type.kind === "resource") return `<${name}>${resourceXml(value as FhirResource)}</${name}>`;
  const attributes = `${attribute("id", value.id)}${type.name === "Extension" ? attribute("url", value.url) : ""}`;
  return closed(`${name}${attributes}`, name, body(value, type));
}

function primitive(name: string, value: FhirValue | undefined, parts: FhirValue | undefined): string {
  if (parts === undefined || parts === null) return `<${name}${attribute("value", value)}/>`;
  if (!isObject(parts)) throw unusable(`_${name} is no object`);
  return closed(
    `${name}${attribute("id", parts.id)}${attribute("value", value)}`,
    name,
    body(parts, definitionOf("Element")!),
  );
}

function closed(start: string, name: string, content: string): string {
  return content === "" ? `<${start}/>` : `<${start}>${content}</${name}>`;
}

/** Also stands as an attribute in XML: `id` of all but resources, `url` of extensions (FHIR R4, 2.6.1). */
export function isAttribute(name: string, type: TypeDefinition): boolean {
  return (name === "id" && type.kind !== "resource") || (name === "url" && type.name === "Extension");
}

function narrative(value: FhirValue | undefined): string {
  const fault = narrativeFault(value ?? null);
  if (fault !== undefined) throw unusable(fault);
  return value as string;
}

function attribute(name: string, value: FhirValue | undefined): string {
  if (value === undefined || value === null) return "";
  if (isObject(value) || Array.isArray(value)) throw unusable("A primitive value is no object and no array");
  const text = String(value);
  if (!isCarried(text)) throw unusable("XML cannot carry a control character");
  return ` ${name}="${text.replaceAll(/[&<>"\t\n\r]/g, reference)}"`;
}

/** White space as a reference too: a reader makes plain spaces of it otherwise (XML 1.0, 3.3.3). */
function reference(character: string): string {
  return `&#${character.charCodeAt(0)};`;
}

function listOf(value: FhirValue | undefined, name: string): readonly FhirValue[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw unusable(`${name} is no array`);
  return value;
}

function unusable(text: string): FhirError {
  return new FhirError("unusable", [{ severity: "error", code: "structure", text }]);
}
