import {
  FhirError,
  type FhirResource,
  type FhirValue,
  formatJson,
  isObject,
  mapReferences,
} from "@wellapi/fhir-r4";
import { FhirServiceError } from "../errors.ts";
import { withoutDisputeLabel } from "./dispute-label.ts";
import { inwardReference, patientIdOf } from "./logical-id.ts";

/** Elements that say whose a resource is, in the types that have them. */
const elements = ["subject", "patient", "beneficiary"] as const;

/**
 * The patient whom a resource is about, as the caller's id of the contracts; undefined where the resource does not say so: a
 * Practitioner, a Medication. @param base this server's address
 */
export function subjectOf(resource: FhirResource, base: string): string | undefined {
  if (resource.resourceType === "Patient") {
    return typeof resource.id === "string" ? patientIdOf(resource.id) : undefined;
  }
  for (const element of elements) {
    const patient = patientOfReference(resource[element], base);
    if (patient !== undefined) return patient;
  }
  return undefined;
}

function patientOfReference(value: FhirValue | undefined, base: string): string | undefined {
  const reference = isObject(value) ? value.reference : undefined;
  return typeof reference === "string" ? patientOfText(reference, base) : undefined;
}

/** Of `Patient/pat-…`, with this server's address before it or without. */
export function patientOfText(reference: string, base: string): string | undefined {
  const relative = reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference;
  return relative.startsWith("Patient/") ? patientIdOf(relative.slice("Patient/".length)) : undefined;
}

/** The resource's JSON with references as the contracts write them. Throws where it refers to a record of another patient. */
export function inwardText(resource: FhirResource, patient: string, base: string): string {
  const inward = mapReferences(withoutDisputeLabel(resource), (reference) => {
    const one = inwardReference(patient, base, reference);
    if (one !== undefined) return one;
    throw new FhirServiceError("INVALID_RESOURCE", [
      {
        severity: "error",
        code: "value",
        text: "It refers to a record of another patient: a record refers to records of its own patient only",
        expression: resource.resourceType,
      },
    ]);
  });
  return textOf(inward);
}

/** In canonical form, where it has one: what has none is refused by *records*, which says why. */
function textOf(resource: FhirResource): string {
  try {
    return formatJson(resource);
  } catch (error) {
    if (error instanceof FhirError) return JSON.stringify(resource);
    throw error;
  }
}
