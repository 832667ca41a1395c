import {
  FhirError,
  type FhirFormat,
  type Finding,
  formatResource,
  type IssueType,
  operationOutcome,
} from "@wellapi/fhir-r4";
import { type Refusal, refusalOf, type ShapedRefusal, violationsOf } from "@wellapi/http";
import { FhirServiceError } from "../errors.ts";
import { contentTypeOf } from "./content.ts";

/** A refusal that says what is wrong where. */
interface FhirRefusal extends Refusal {
  readonly findings: readonly Finding[];
}

/** What FHIR calls the codes of an RPC (FHIR R4, http://hl7.org/fhir/issue-type). */
const issues: Readonly<Record<string, IssueType>> = {
  invalid_argument: "invalid",
  not_found: "not-found",
  already_exists: "duplicate",
  permission_denied: "forbidden",
  unauthenticated: "login",
  resource_exhausted: "throttled",
  failed_precondition: "business-rule",
  aborted: "conflict",
  unavailable: "transient",
  deadline_exceeded: "timeout",
  unimplemented: "not-supported",
};

/** Reasons that FHIR has a kind of its own for. */
const issuesByReason: Readonly<Record<string, IssueType>> = {
  EXPANSION_TOO_COSTLY: "too-costly",
  UNKNOWN_CODE: "code-invalid",
  RECORD_DELETED: "deleted",
};

/** Reasons whose status in FHIR's REST differs from that of the RPC (FHIR R4, 3.1.0). */
const statuses: Readonly<Record<string, number>> = {
  ETAG_MISMATCH: 412,
  MATCHES_SEVERAL: 412,
  INVALID_RESOURCE: 422,
  EXPANSION_TOO_COSTLY: 422,
  RECORD_DELETED: 410,
};

/** The refusal for an error of this service, of a resource that was sent, or of a call of another service. */
export function fhirRefusalOf(error: unknown): Refusal {
  const own =
    error instanceof FhirError
      ? new FhirServiceError(
          error.code === "invalid" ? "INVALID_RESOURCE" : "INVALID_REQUEST",
          error.findings,
        )
      : error;
  if (own instanceof FhirServiceError) {
    const { status, code, message, findings } = own;
    return { status, problem: { code: code.toLowerCase(), reason: code, message }, findings } as FhirRefusal;
  }
  const violations = violationsOf(error);
  const refusal = refusalOf(error);
  const { code, reason } = refusal.problem;
  const issue = issuesByReason[reason] ?? issues[code] ?? "exception";
  const findings = violations.map(({ field, description }): Finding => {
    return { severity: "error", code: "value", text: description, expression: field };
  });
  const told =
    findings.length > 0 ? findings : [{ severity: "error", code: issue, text: refusal.problem.message }];
  const status = statuses[violations[0]?.reason ?? reason] ?? statuses[reason] ?? refusal.status;
  return { ...refusal, status, findings: told } as FhirRefusal;
}

/** Why another service refused a call. */
export function reasonOf(error: unknown): string {
  return refusalOf(error).problem.reason;
}

/** Whether another service refused a call because of what the caller may do. */
export function isDenial(error: unknown): boolean {
  return refusalOf(error).problem.code === "permission_denied";
}

/** As an OperationOutcome. `details.coding` has the exchange's reason, by which docs/codes.md and the guide name it. */
export function shapedOutcome(refusal: Refusal, format: FhirFormat): ShapedRefusal {
  const { findings = [textOf(refusal)] } = refusal as Partial<FhirRefusal>;
  const reason = { system: "https://wellapi.dev/reasons", code: refusal.problem.reason };
  return {
    contentType: contentTypeOf(format),
    body: formatResource(operationOutcome(findings, reason), format),
  };
}

/** Refused before a route was reached: a body that is too large, of another media type, or not what its headers say. */
function textOf({ status, problem }: Refusal): Finding {
  const code: IssueType = status === 413 ? "too-long" : status === 415 ? "not-supported" : "invalid";
  return { severity: "error", code, text: problem.message };
}
