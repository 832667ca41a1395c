import type { Finding, IssueType } from "@wellapi/fhir-r4";

/** What this service itself refuses. What another service refuses keeps that service's reason. */
export type FhirServiceErrorCode = keyof typeof kinds;

const kinds = {
  /** The path names a type or an interaction that is not served. */
  NOT_SUPPORTED: { status: 404, issue: "not-supported" },
  /** Neither JSON nor XML of FHIR is accepted by the caller. */
  NOT_ACCEPTABLE: { status: 406, issue: "not-supported" },
  /** No such resource, or none that the caller may see. */
  NOT_FOUND: { status: 404, issue: "not-found" },
  /** The resource was deleted. */
  DELETED: { status: 410, issue: "deleted" },
  /** A parameter, a header or a part of the path is wrong. */
  INVALID_REQUEST: { status: 400, issue: "invalid" },
  /** The body is no resource of FHIR R4. */
  INVALID_RESOURCE: { status: 422, issue: "invalid" },
  /** A page of another site asks in its reader's name. */
  FOREIGN_REQUEST: { status: 403, issue: "forbidden" },
  /** So few patients that somebody could be told apart. */
  SMALL_GROUP: { status: 403, issue: "suppressed" },
  /** A file that has to be made whole before it leaves would be too large. */
  TOO_LARGE: { status: 403, issue: "too-long" },
  /** As many of this kind are under way as the process takes. */
  BUSY: { status: 503, issue: "throttled" },
  /** The search would look at more than it may: something has to be added. */
  TOO_COSTLY: { status: 400, issue: "too-costly" },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly issue: IssueType }>>;

/** The one error of this service. Its texts are for callers, and hold no value that was sent. */
export class FhirServiceError extends Error {
  override readonly name = "FhirServiceError";
  readonly code: FhirServiceErrorCode;
  /** What is wrong where; one at least. */
  readonly findings: readonly Finding[];

  /** @param said what is wrong and how to mend it, or findings about a resource */
  constructor(code: FhirServiceErrorCode, said: string | readonly Finding[], options?: ErrorOptions) {
    const findings: readonly Finding[] =
      typeof said === "string" ? [{ severity: "error", code: kinds[code].issue, text: said }] : said;
    super(findings[0]!.text, options);
    this.code = code;
    this.findings = findings;
  }

  get status(): number {
    return kinds[this.code].status;
  }
}
