import { FhirError } from "../fhir-error.ts";
import type { Finding } from "../finding.ts";
import { parseJson } from "../json/parse.ts";
import type { ParseLimits } from "../limits.ts";
import type { FhirResource } from "../resource.ts";
import { Walk } from "./walk.ts";

/**
 * What is wrong with a resource by FHIR R4: structure, names, cardinality, primitives, choices, required codes, references,
 * contained resources, narrative. At most 100 findings, in the order of the resource; none where nothing is wrong.
 */
export function validate(resource: FhirResource): readonly Finding[] {
  const walk = new Walk();
  walk.resource(resource, undefined);
  return walk.findings;
}

/** Reads and validates a resource in JSON. Throws `FhirError` as `parseJson` does, and `invalid` with all findings. */
export function parseResource(text: string, limits?: ParseLimits): FhirResource {
  const resource = parseJson(text, limits);
  const findings = validate(resource);
  if (findings.some(({ severity }) => severity === "error")) throw new FhirError("invalid", findings);
  return resource;
}
