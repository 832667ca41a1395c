import { Code } from "@connectrpc/connect";
import type { Problem, ProblemCarrier, Violation } from "@wellapi/rpc";

export type ConsentErrorCode =
  | "not_found"
  | "invalid"
  | "stale_etag"
  | "request_id_reused"
  | "invalid_page_token"
  | "patient_erased"
  | "not_erased"
  | "too_many_consents"
  | "not_permitted"
  | "emergency_not_enabled"
  | "emergency_refused"
  | "emergency_limited"
  | "emergency_patient_unknown"
  | "emergency_not_found"
  | "own_care"
  | "record_frozen"
  | "frozen_already"
  | "death_patient_unknown"
  | "death_not_found"
  | "death_reported"
  | "death_decided"
  | "request_not_found"
  | "request_patient_unknown"
  | "requests_open"
  | "requests_limited"
  | "request_refused"
  | "request_decided"
  | "request_lapsed"
  | "consent_over"
  | "consent_denies"
  | "organization_closed"
  | "no_receipt"
  | "obligation_not_found"
  | "obligation_answered"
  | "no_other_consent"
  | "rights_not_found"
  | "rights_limited"
  | "rights_decided"
  | "no_extension"
  | "session_over"
  | "unavailable"
  | "journal_unavailable"
  | "unreadable";

const problems: Record<ConsentErrorCode, Problem> = {
  not_found: { code: Code.NotFound, reason: "NOT_FOUND", message: "no such consent: see ListConsents" },
  invalid: { code: Code.InvalidArgument, reason: "INVALID_FIELD", message: "the request has fields to mend" },
  stale_etag: {
    code: Code.Aborted,
    reason: "STALE_ETAG",
    message: "the consent has changed since: get it again, then revoke with its etag",
  },
  request_id_reused: {
    code: Code.AlreadyExists,
    reason: "REQUEST_ID_REUSED",
    message: "this request_id granted another consent: choose a new one",
  },
  invalid_page_token: {
    code: Code.InvalidArgument,
    reason: "INVALID_PAGE_TOKEN",
    message: "the page_token is of another query or caller: start again without it",
  },
  patient_erased: {
    code: Code.FailedPrecondition,
    reason: "PATIENT_ERASED",
    message: "the patient's data is erased: no consent can be given any more",
  },
  not_erased: {
    code: Code.FailedPrecondition,
    reason: "PATIENT_NOT_ERASED",
    message: "the patient is not erased: consents are kept as long as their patient",
  },
  too_many_consents: {
    code: Code.ResourceExhausted,
    reason: "TOO_MANY_CONSENTS",
    message: "the patient has too many consents that are not revoked: revoke some first",
  },
  not_permitted: {
    code: Code.PermissionDenied,
    reason: "CALLER_NOT_PERMITTED",
    message: "this call is for patients and for applications of grantees",
  },
  emergency_not_enabled: {
    code: Code.PermissionDenied,
    reason: "EMERGENCY_NOT_ENABLED",
    message:
      "emergency access is not switched on for your organization: its owner asks the installation's privacy officer for it",
  },
  emergency_refused: {
    code: Code.PermissionDenied,
    reason: "EMERGENCY_REFUSED",
    message: "the patient says: not even in an emergency",
  },
  emergency_limited: {
    code: Code.ResourceExhausted,
    reason: "EMERGENCY_LIMITED",
    message: "too many tries to open emergency access: try again later",
  },
  emergency_patient_unknown: {
    code: Code.NotFound,
    reason: "NOT_FOUND",
    message:
      "no such patient: the id is not one of your organization's, or the code is wrong, was replaced or withdrawn",
  },
  emergency_not_found: {
    code: Code.NotFound,
    reason: "NOT_FOUND",
    message: "no such emergency access: see ListEmergencyAccesses",
  },
  own_care: {
    code: Code.PermissionDenied,
    reason: "NOT_FOR_REPRESENTATIVES",
    message:
      "care to which the patient may consent alone is the patient's to decide on: leave these categories out",
  },
  record_frozen: {
    code: Code.PermissionDenied,
    reason: "RECORD_FROZEN",
    message: "the patient's record is frozen: nothing can be permitted by it until the freeze is undone",
  },
  frozen_already: {
    code: Code.FailedPrecondition,
    reason: "RECORD_FROZEN",
    message: "the record is frozen by another report: dismiss this one",
  },
  death_patient_unknown: {
    code: Code.NotFound,
    reason: "NOT_FOUND",
    message:
      "no such patient: the id is not one of yours, or no consent of the patient is in force for your organization",
  },
  death_not_found: {
    code: Code.NotFound,
    reason: "NOT_FOUND",
    message: "no such report: see ListDeathReports",
  },
  death_reported: {
    code: Code.FailedPrecondition,
    reason: "DEATH_REPORTED",
    message:
      "you have reported it already, and the privacy officer has not decided yet: see ListDeathReports",
  },
  death_decided: {
    code: Code.FailedPrecondition,
    reason: "REPORT_DECIDED",
    message: "the report is in another state by now, which this does not change: see ListDeathReports",
  },
  request_not_found: {
    code: Code.NotFound,
    reason: "NOT_FOUND",
    message: "no such request: see ListConsentRequests",
  },
  request_patient_unknown: {
    code: Code.NotFound,
    reason: "NOT_FOUND",
    message: "no such patient: the id is not one of your organization's, or the patient cannot be asked",
  },
  requests_open: {
    code: Code.ResourceExhausted,
    reason: "CONSENT_REQUESTS_OPEN",
    message: "too many requests to this patient: wait",
  },
  requests_limited: {
    code: Code.ResourceExhausted,
    reason: "CONSENT_REQUESTS_LIMITED",
    message: "too many requests of your organization today: go on tomorrow (UTC)",
  },
  request_refused: {
    code: Code.FailedPrecondition,
    reason: "CONSENT_REQUEST_REFUSED",
    message: "the patient has refused as much lately: ask for less, or later",
  },
  request_decided: {
    code: Code.FailedPrecondition,
    reason: "CONSENT_REQUEST_DECIDED",
    message: "the request was decided otherwise by now: get it again",
  },
  request_lapsed: {
    code: Code.FailedPrecondition,
    reason: "CONSENT_REQUEST_LAPSED",
    message: "the request has lapsed: the organization may ask again",
  },
  consent_over: {
    code: Code.FailedPrecondition,
    reason: "CONSENT_OVER",
    message:
      "the consent that the request continues is not in force, or was changed since: a new request is needed",
  },
  consent_denies: {
    code: Code.FailedPrecondition,
    reason: "CONSENT_DENIES",
    message:
      "the consent denies something, which only the patient may change: ask for a new consent beside it",
  },
  organization_closed: {
    code: Code.FailedPrecondition,
    reason: "ORGANIZATION_CLOSED",
    message: "the organization that asks does not exist any more: refuse the request, or let it lapse",
  },
  no_receipt: {
    code: Code.FailedPrecondition,
    reason: "NO_RECEIPT",
    message:
      "the request is not decided by the patient, or there is no such answer: only a decision has a receipt",
  },
  obligation_not_found: {
    code: Code.NotFound,
    reason: "NOT_FOUND",
    message: "no such obligation: see ListDeletionObligations",
  },
  obligation_answered: {
    code: Code.FailedPrecondition,
    reason: "OBLIGATION_ANSWERED",
    message: "it was answered that the data is deleted, which is final",
  },
  no_other_consent: {
    code: Code.FailedPrecondition,
    reason: "NO_OTHER_CONSENT",
    message:
      "no other consent of the patient, in force, permits your organization to read: give another reason, or delete",
  },
  rights_not_found: {
    code: Code.NotFound,
    reason: "NOT_FOUND",
    message: "no such request: see ListRightsRequests",
  },
  rights_limited: {
    code: Code.ResourceExhausted,
    reason: "RIGHTS_REQUESTS_LIMITED",
    message: "20 requests to this organization within 30 days: go on later",
  },
  rights_decided: {
    code: Code.FailedPrecondition,
    reason: "RIGHTS_REQUEST_DECIDED",
    message: "the request is fulfilled or withdrawn, which is final: get it again",
  },
  no_extension: {
    code: Code.FailedPrecondition,
    reason: "NO_EXTENSION",
    message: "more time is taken once, in time, and before another answer: fulfil the request, or refuse it",
  },
  session_over: {
    code: Code.Aborted,
    reason: "SESSION_OVER",
    message: "the session is over: drop what is cached and open another",
  },
  unavailable: {
    code: Code.Unavailable,
    reason: "STORE_UNAVAILABLE",
    message: "the outcome is not durable yet: send the same again",
    retryAfterMs: 1_000,
  },
  journal_unavailable: {
    code: Code.Unavailable,
    reason: "JOURNAL_UNAVAILABLE",
    message:
      "the consent is revoked and nothing is read under it any more; that this outlives a restore is not certain yet: send the same again",
    retryAfterMs: 2_000,
  },
  unreadable: {
    code: Code.DataLoss,
    reason: "CONSENTS_UNREADABLE",
    message: "the patient's consents cannot be read, so they permit nothing: tell the operator",
  },
};

/** The service's one error, with the problem for its caller. */
export class ConsentError extends Error implements ProblemCarrier {
  readonly code: ConsentErrorCode;
  readonly problem: Problem;

  constructor(
    code: ConsentErrorCode,
    options: ErrorOptions & {
      violations?: readonly Violation[];
      message?: string;
      retryAfterMs?: number;
    } = {},
  ) {
    const { violations, retryAfterMs } = options;
    const message = options.message ?? problems[code].message;
    super(message, options);
    this.name = "ConsentError";
    this.code = code;
    this.problem = {
      ...problems[code],
      message,
      ...(violations ? { violations } : {}),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  }
}
