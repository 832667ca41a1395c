import { FhirServiceError } from "../errors.ts";

export function notFound(): FhirServiceError {
  return new FhirServiceError("NOT_FOUND", "There is no such resource, or none that the caller may see");
}
