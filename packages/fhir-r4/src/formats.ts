import { formatJson } from "./canonical.ts";
import type { FhirResource } from "./resource.ts";
import type { FhirFormat } from "./validate/validate.ts";
import { formatXml } from "./xml/format.ts";

export const mediaTypes: Readonly<Record<FhirFormat, string>> = {
  json: "application/fhir+json",
  xml: "application/fhir+xml",
};

const named: Readonly<Record<string, FhirFormat>> = {
  json: "json",
  xml: "xml",
  "application/json": "json",
  "application/fhir+json": "json",
  "text/json": "json",
  "application/xml": "xml",
  "application/fhir+xml": "xml",
  "text/xml": "xml",
};

/**
 * The format that a media type or a value of `_format` names, parameters (`; charset=utf-8`) aside; undefined for another (FHIR R4,
 * 3.1.0.1.11).
 */
export function formatOf(name: string): FhirFormat | undefined {
  // A plus sign in a URL's query may have become a space.
  const bare = name.split(";")[0]!.trim().toLowerCase().replace("fhir ", "fhir+");
  return Object.hasOwn(named, bare) ? named[bare] : undefined;
}

/** The text of a resource in a format. Throws `FhirError` as `formatJson` and `formatXml` do. */
export function formatResource(resource: FhirResource, format: FhirFormat): string {
  return format === "json" ? formatJson(resource) : formatXml(resource);
}
