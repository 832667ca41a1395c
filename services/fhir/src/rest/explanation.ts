import { FhirError, type FhirResource, type Finding, validate } from "@wellapi/fhir-r4";
import { violationsOf } from "@wellapi/http";
import { FhirServiceError } from "../errors.ts";

/**
 * Runs a write that *records* judges, so that a resource that is right is judged once. Of one that is refused as invalid all findings of
 * the validator are told, with their kinds and places in what was sent.
 */
export async function explaining<T>(resource: FhirResource, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const findings = isInvalid(error) ? faultsOf(resource) : [];
    throw findings.length > 0 ? new FhirError("invalid", findings) : error;
  }
}

/** What makes it invalid; empty where nothing does. */
export function faultsOf(resource: FhirResource): readonly Finding[] {
  const findings = validate(resource);
  return findings.some(({ severity }) => severity === "error") ? findings : [];
}

function isInvalid(error: unknown): boolean {
  if (error instanceof FhirServiceError) return error.code === "INVALID_RESOURCE";
  return violationsOf(error).some(({ reason }) => reason === "INVALID_RESOURCE");
}
