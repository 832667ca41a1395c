import { FhirError } from "../fhir-error.ts";
import type { Finding } from "../finding.ts";
import { parseJson } from "../json/parse.ts";
import type { ParseLimits } from "../limits.ts";
import { checkClaims, checkProfiles } from "../profiles/check-profiles.ts";
import type { Profile } from "../profiles/profiles.ts";
import type { FhirResource } from "../resource.ts";
import { parseXml } from "../xml/parse.ts";
import { checkInvariants } from "./invariants.ts";
import { Walk } from "./walk.ts";

/**
 * What is wrong with a resource by FHIR R4: structure, names, cardinality, primitives, choices, required codes, references,
 * contained resources, narrative; and, where all that is right, HL7's rules in FHIRPath. Findings come in the order of the resource;
 * after 100 of structure the rest is not looked for. What is valid by R4 itself is judged by the profiles that it names, too, as far as
 * they are known (`profileOf`), and by those that are given. None where nothing is wrong; warnings do not make a resource invalid.
 */
export function validate(resource: FhirResource, profiles: readonly Profile[] = []): readonly Finding[] {
  const walk = new Walk();
  walk.resource(resource, undefined);
  if (walk.findings.length === 0) checkInvariants(walk.judged, (finding) => walk.findings.push(finding));
  if (!walk.findings.some(({ severity }) => severity === "error")) {
    walk.findings.push(...checkClaims(resource), ...checkProfiles(resource, profiles));
  }
  return walk.findings;
}

/** The two texts that a resource has. */
export type FhirFormat = "json" | "xml";

/** Reads and validates a resource. Throws `FhirError` as `parseJson` or `parseXml` does, and `invalid` with all findings. */
export function parseResource(text: string, format: FhirFormat = "json", limits?: ParseLimits): FhirResource {
  const resource = format === "json" ? parseJson(text, limits) : parseXml(text, limits);
  const findings = validate(resource);
  if (findings.some(({ severity }) => severity === "error")) throw new FhirError("invalid", findings);
  return resource;
}
