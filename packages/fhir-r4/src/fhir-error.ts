import type { Finding } from "./finding.ts";

/**
 * - `syntax`: the text is no JSON or XML of FHIR; the finding says where
 * - `limit`: the text is longer, or nests deeper, than the reader takes
 * - `invalid`: a resource that breaks a rule of FHIR R4; the findings say which, and where
 * - `unusable`: a value given by the program that the format cannot carry
 */
export type FhirErrorCode = "syntax" | "limit" | "invalid" | "unusable";

/** The one error of this package. Neither its message nor its findings hold a value that was sent. */
export class FhirError extends Error {
  override readonly name = "FhirError";
  readonly code: FhirErrorCode;
  /** What is wrong, for an OperationOutcome: at least one. */
  readonly findings: readonly Finding[];

  constructor(code: FhirErrorCode, findings: readonly Finding[], options?: ErrorOptions) {
    super(findings[0]!.text, options);
    this.code = code;
    this.findings = findings;
  }
}
