import { definitionOf, type FhirObject, type FhirResource, isObject } from "@wellapi/fhir-r4";
import { FhirServiceError } from "../errors.ts";

/** Which elements of what was found are answered. */
export type Subset = "all" | "summary" | "text" | "data" | ReadonlySet<string>;

/** Of `_summary` and `_elements` (FHIR R4, 3.1.1.5.8). */
export function subsetOf(parameters: URLSearchParams): Subset {
  const summary = parameters.get("_summary");
  const elements = parameters.get("_elements");
  if (elements !== null) return new Set(elements.split(",").map((one) => one.split(".").at(-1)!.trim()));
  switch (summary) {
    case null:
    case "false":
      return "all";
    case "true":
      return "summary";
    case "text":
    case "data":
      return summary;
    default:
      throw new FhirServiceError(
        "INVALID_REQUEST",
        "_summary has to be true, text, data or false: nothing is counted",
      );
  }
}

/**
 * Of the `_elements` of an export, each `name` or `Patient.name` of one type alone (Bulk Data Access 2.0): a type of which none is named
 * comes whole.
 */
export function subsetOfType(type: string, elements: readonly string[]): Subset {
  const named = elements
    .map((text) => text.split("."))
    .filter((parts) => parts.length === 1 || parts[0] === type)
    .map((parts) => parts.at(-1)!);
  return named.length === 0 ? "all" : new Set(named);
}

/** The resource with these elements, its id, and those without which it would be invalid; marked as a part. */
export function withSubset(resource: FhirResource, subset: Subset): FhirResource {
  if (subset === "all") return resource;
  const definition = definitionOf(resource.resourceType);
  const kept = Object.entries(resource).filter(([name]) => {
    if (["resourceType", "id", "meta"].includes(name)) return true;
    const bare = name.replace(/^_/, "");
    const property = definition?.properties.get(bare);
    const element = property?.element;
    if (subset === "data") return bare !== "text";
    if ((element?.min ?? 0) > 0) return true;
    if (subset === "text") return bare === "text";
    if (subset === "summary") return element?.summary === true;
    return subset.has(bare) || (element !== undefined && subset.has(element.name));
  });
  return { ...(Object.fromEntries(kept) as FhirResource), meta: marked(resource.meta) };
}

function marked(meta: FhirResource["meta"]): FhirObject {
  const before = isObject(meta) ? meta : {};
  const tags = Array.isArray(before.tag) ? before.tag : [];
  const subsetted = {
    system: "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    code: "SUBSETTED",
  };
  return { ...before, tag: [...tags, subsetted] };
}
