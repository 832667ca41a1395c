import { FhirError, type FhirResource, type Finding, parseJson, parseResource } from "@wellapi/fhir-r4";
import type { ItemViolation } from "../write/judgement.ts";

/** Reads a text that was sent, and judges it by FHIR R4: at most 100 violations, without a value that was sent. */
export function readResource(
  text: string,
): { readonly resource: FhirResource } | { readonly violations: readonly ItemViolation[] } {
  try {
    return { resource: parseResource(text) };
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    return { violations: error.findings.filter(({ severity }) => severity === "error").map(violationOf) };
  }
}

/** A text that was stored. Throws SyntaxError where it is damaged. */
export function storedResource(text: string): FhirResource {
  try {
    return parseJson(text);
  } catch (cause) {
    if (cause instanceof FhirError) throw new SyntaxError("a stored resource does not parse", { cause });
    throw cause;
  }
}

/** JSON; decimals with the digits that were sent. */
export function resourceText(resource: FhirResource): string {
  return JSON.stringify(resource);
}

function violationOf({ text, expression, line, column }: Finding): ItemViolation {
  const place = line === undefined ? "" : ` (line ${line}, column ${column})`;
  return { field: expression ?? "resource", description: `${text}${place}`, reason: "INVALID_RESOURCE" };
}
