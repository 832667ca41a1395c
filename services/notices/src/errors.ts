import { Code } from "@connectrpc/connect";
import { invalidFields, type Problem, type ProblemCarrier } from "@wellapi/rpc";

const problems = {
  patient_erased: {
    code: Code.FailedPrecondition,
    reason: "PATIENT_ERASED",
    message: "the patient was erased, and with them everything that they were told",
  },
  not_permitted: {
    code: Code.PermissionDenied,
    reason: "CALLER_NOT_PERMITTED",
    message: "an inbox is a patient's own: sign in as the patient, or act for them",
  },
  not_an_organization: {
    code: Code.PermissionDenied,
    reason: "CALLER_NOT_PERMITTED",
    message:
      "events are an organization's: call as one of its applications, by a credential that is not for one patient alone",
  },
  resume_token_too_old: {
    code: Code.OutOfRange,
    reason: "RESUME_TOKEN_TOO_OLD",
    message:
      "events after resume_token are not kept any more: read your consents and requests, and go on without it",
  },
  not_an_organizations_own: {
    code: Code.PermissionDenied,
    reason: "CALLER_NOT_PERMITTED",
    message:
      "webhooks are an organization's: call as one of its applications or members, by a credential that is not for one patient alone",
  },
  no_webhook_endpoint: {
    code: Code.NotFound,
    reason: "NOT_FOUND",
    message: "your organization has no such webhook endpoint",
  },
  no_webhook_delivery: {
    code: Code.NotFound,
    reason: "NOT_FOUND",
    message: "the endpoint has no delivery of this event (any more)",
  },
  too_many_webhook_endpoints: {
    code: Code.ResourceExhausted,
    reason: "TOO_MANY_WEBHOOK_ENDPOINTS",
    message: "your organization has five webhook endpoints already: delete one of them first",
  },
  stale_webhook_etag: {
    code: Code.Aborted,
    reason: "STALE_ETAG",
    message: "the webhook endpoint was changed meanwhile: get it again, and send the change with its etag",
  },
  test_under_way: {
    code: Code.ResourceExhausted,
    reason: "TEST_UNDER_WAY",
    message: "the test before has no answer from the endpoint yet: wait for it",
  },
  request_id_reused: {
    code: Code.AlreadyExists,
    reason: "REQUEST_ID_REUSED",
    message: "the request_id was used for another endpoint: choose another one",
  },
  stale_etag: {
    code: Code.Aborted,
    reason: "STALE_ETAG",
    message: "the preferences were changed meanwhile: get them again, and send the change with their etag",
  },
  too_many_subscriptions: {
    code: Code.ResourceExhausted,
    reason: "TOO_MANY_SUBSCRIPTIONS",
    message: "ten browsers get the notices of this patient already: remove one of them first",
  },
  unknown_push_service: {
    code: Code.InvalidArgument,
    reason: "UNKNOWN_PUSH_SERVICE",
    message:
      "this installation sends nothing to the push service of this browser: its operator says to which it does (WELLAPI_PUSH_HOSTS)",
  },
  push_key_invalid: {
    code: Code.InvalidArgument,
    reason: "PUSH_KEY_INVALID",
    message: "p256dh is no point of the curve P-256: send what the browser's subscription says",
  },
  unavailable: {
    code: Code.Unavailable,
    reason: "UNAVAILABLE",
    message: "others changed the same at the same time: send it again",
  },
} as const satisfies Readonly<Record<string, Problem>>;

export type NoticesErrorCode = keyof typeof problems | "invalid";

/** The service's one error. */
export class NoticesError extends Error implements ProblemCarrier {
  override readonly name = "NoticesError";
  readonly code: NoticesErrorCode;
  readonly problem: Problem;

  constructor(code: NoticesErrorCode, problem: Problem, options?: ErrorOptions) {
    super(problem.message, options);
    this.code = code;
    this.problem = problem;
  }
}

export function noticesError(code: keyof typeof problems, options?: ErrorOptions): NoticesError {
  return new NoticesError(code, problems[code], options);
}

export function invalidField(field: string, description: string): NoticesError {
  return new NoticesError("invalid", invalidFields([{ field, description, reason: "INVALID_FIELD" }]));
}
