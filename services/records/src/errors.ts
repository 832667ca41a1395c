import { Code } from "@connectrpc/connect";
import type { Problem, ProblemCarrier, Violation } from "@wellapi/rpc";

/** Error codes for the caller: the reason of google.rpc.ErrorInfo. */
export type RecordsErrorCode =
  | "CONSENT_REQUIRED"
  | "CONSENT_REVOKED"
  | "RECORD_FROZEN"
  | "RESOLUTION_TOO_FINE"
  | "SCOPE_REQUIRED"
  | "NOT_FOR_REPRESENTATIVES"
  | "POLICY_DENIED"
  | "ASSURANCE_REQUIRED"
  | "OTHER_VENDOR_USER"
  | "UNDECIDED"
  | "TOO_MANY_CALLS"
  | "TOO_MANY_EXPORTS"
  | "DOWNLOAD_ENDED"
  | "STORE_UNAVAILABLE"
  | "DISK_FULL"
  | "STORE_DAMAGED"
  | "DATA_DAMAGED"
  | "LOG_UNAVAILABLE"
  | "LOG_DAMAGED"
  | "STORAGE_LIMIT"
  | "TOO_MANY_SERIES"
  | "ORGANIZATION_STORAGE_LIMIT"
  | "ORGANIZATION_SERIES_LIMIT"
  | "REQUEST_ID_REUSED"
  | "INVALID_FIELD"
  | "INVALID_RESUME_TOKEN"
  | "ETAG_MISMATCH"
  | "MATCHES_SEVERAL"
  | "RECORD_DELETED"
  | "NOT_FOUND"
  | "CALLER_NOT_PERMITTED"
  | "ERASURE_INCOMPLETE";

interface Answer {
  readonly code: Code;
  readonly message: string;
  readonly retryAfterMs?: number;
}

const answers: Readonly<Record<RecordsErrorCode, Answer>> = {
  CONSENT_REQUIRED: {
    code: Code.PermissionDenied,
    message:
      "No consent in force permits this, or the patient id is not one of yours: ListConsents names your patients and what they permit.",
  },
  CONSENT_REVOKED: {
    code: Code.PermissionDenied,
    message: "The consent that permitted this is no longer in force. ListConsents tells what is.",
  },
  RECORD_FROZEN: {
    code: Code.PermissionDenied,
    message:
      "The patient's record is frozen: nothing is added to it, and nothing is read under a consent. Consents are kept, and hold again if the freeze is undone. Sending it again does not help meanwhile.",
  },
  RESOLUTION_TOO_FINE: {
    code: Code.PermissionDenied,
    message: "The consent is for hourly or daily data: use AggregateSeries with buckets of that length.",
  },
  SCOPE_REQUIRED: {
    code: Code.PermissionDenied,
    message:
      "The access token does not reach this: it is for another patient or for other categories of data, whatever the consents permit. Ask for a token with a scope for it.",
  },
  NOT_FOR_REPRESENTATIVES: {
    code: Code.PermissionDenied,
    message:
      "This is care to which the patient may consent alone: only the patient sees whether there is any, and nobody who acts in their name.",
  },
  POLICY_DENIED: {
    code: Code.PermissionDenied,
    message:
      "A policy forbids you this data, whatever the consents permit: ExplainCall, or `wellapi policy explain`, says which and why.",
  },
  ASSURANCE_REQUIRED: {
    code: Code.PermissionDenied,
    message:
      "This read needs a stronger sign-in: confirm with a passkey or a second factor (BeginStepUp, the page /step-up; on the command line sign in again), and send the same request again.",
  },
  OTHER_VENDOR_USER: {
    code: Code.PermissionDenied,
    message:
      "This is another person's account at the vendor than the one that is bound to this patient, so nothing of it was stored. If the patient has a new account there, send it with `rebind`.",
  },
  UNDECIDED: {
    code: Code.Unavailable,
    message: "Consent can't be decided right now, so nothing was released or stored: try again.",
    retryAfterMs: 500,
  },
  TOO_MANY_CALLS: {
    code: Code.ResourceExhausted,
    message: "1,000 reads of yours wait for their turn, so this one was not taken up: send fewer at a time.",
    retryAfterMs: 1_000,
  },
  TOO_MANY_EXPORTS: {
    code: Code.ResourceExhausted,
    message: "Your organization has 100 exports that have not ended: cancel those that are done with.",
  },
  DOWNLOAD_ENDED: {
    code: Code.NotFound,
    message:
      "This download has ended, or is none of yours: prepare it again. It is there for a quarter of an hour.",
  },
  STORE_UNAVAILABLE: {
    code: Code.Unavailable,
    message: "The store can't be reached or written right now; nothing was acknowledged: try again.",
    retryAfterMs: 1_000,
  },
  DISK_FULL: {
    code: Code.Unavailable,
    message: "There is no room to store anything; nothing was acknowledged, and reads may go on: try again.",
    retryAfterMs: 5_000,
  },
  STORE_DAMAGED: {
    code: Code.DataLoss,
    message:
      "The store that this needs is damaged: it is no fault of the request, sending it again does not help, and the operator is told.",
  },
  DATA_DAMAGED: {
    code: Code.DataLoss,
    message:
      "Part of what was asked for is stored but damaged, and is not left out silently: it is no fault of the request, sending it again does not help, and the operator is told. Ask for another interval or code: what is whole can be read.",
  },
  LOG_UNAVAILABLE: {
    code: Code.Unavailable,
    message: "The access can't be logged right now, so nothing was released: try again.",
    retryAfterMs: 1_000,
  },
  LOG_DAMAGED: {
    code: Code.Unavailable,
    message:
      "The log of accesses is damaged, so this access couldn't be proven and nothing was released. The operator is told; consents can still be revoked.",
    retryAfterMs: 5_000,
  },
  STORAGE_LIMIT: {
    code: Code.ResourceExhausted,
    message:
      "Your organization holds as much of this patient as this installation keeps, so nothing of this batch was stored; what was acknowledged stays. Sending it again does not help: ask the operator for more (WELLAPI_STORAGE_PER_PATIENT_MIB).",
  },
  TOO_MANY_SERIES: {
    code: Code.ResourceExhausted,
    message:
      "The batch begins series beyond those that your organization may have of this patient (one for each device, code, method and granularity), so nothing of it was stored. Send the device's own serial number, always the same one, and not a new name with each upload; if there are so many devices, ask the operator (WELLAPI_SERIES_PER_PATIENT).",
  },
  ORGANIZATION_STORAGE_LIMIT: {
    code: Code.ResourceExhausted,
    message:
      "Your organization holds as much of all its patients together as this installation keeps, so nothing of this batch was stored; what was acknowledged stays. Sending it again does not help: ask the operator for more (WELLAPI_STORAGE_PER_ORGANIZATION_MIB).",
  },
  ORGANIZATION_SERIES_LIMIT: {
    code: Code.ResourceExhausted,
    message:
      "The batch begins series beyond those that your organization may have of all its patients together (one for each patient, device, code, method and granularity), so nothing of it was stored. Send the device's own serial number, always the same one; if there are so many devices, ask the operator (WELLAPI_SERIES_PER_ORGANIZATION).",
  },
  REQUEST_ID_REUSED: {
    code: Code.AlreadyExists,
    message: "This request_id was used for a batch with other content: send this batch under a new one.",
  },
  INVALID_FIELD: {
    code: Code.InvalidArgument,
    message: "A field of the request is wrong; see the violations.",
  },
  INVALID_RESUME_TOKEN: {
    code: Code.InvalidArgument,
    message:
      "resume_token names what this server does not have, because it was restored from a backup: read what you need, and watch anew without it.",
  },
  ETAG_MISMATCH: {
    code: Code.Aborted,
    message: "The record has changed since the version that etag names: read it, and decide again.",
  },
  MATCHES_SEVERAL: {
    code: Code.FailedPrecondition,
    message: "Several of your records have the identifier of if_none_exist, so it names none.",
  },
  RECORD_DELETED: { code: Code.NotFound, message: "The record was deleted by its contributor." },
  NOT_FOUND: { code: Code.NotFound, message: "There is none of this id that you may act on." },
  CALLER_NOT_PERMITTED: {
    code: Code.PermissionDenied,
    message: "This call is not for callers of your kind.",
  },
  ERASURE_INCOMPLETE: {
    code: Code.Unavailable,
    message: "The erasure has begun, can't be undone and goes on by itself: call again for its receipt.",
    retryAfterMs: 2_000,
  },
};

/** The one error of this service. Messages carry no health data, token or key. */
export class RecordsError extends Error implements ProblemCarrier {
  override readonly name = "RecordsError";
  readonly code: RecordsErrorCode;
  readonly problem: Problem;
  /** A closer reason for the log, hidden from the caller. */
  readonly logged: string;

  constructor(
    code: RecordsErrorCode,
    options: { violations?: readonly Violation[]; logged?: string; detail?: string; cause?: unknown } = {},
  ) {
    const { code: status, message: said, retryAfterMs } = answers[code];
    const message = options.detail === undefined ? said : `${said} ${options.detail}`;
    super(message, { cause: options.cause });
    this.code = code;
    this.logged = options.logged ?? code;
    this.problem = {
      code: status,
      reason: code,
      message,
      ...(options.violations === undefined ? {} : { violations: options.violations }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  }
}

/** One field of a request is wrong. */
export function invalidField(field: string, description: string, reason = "INVALID_FIELD"): RecordsError {
  return new RecordsError("INVALID_FIELD", { violations: [{ field, description, reason }] });
}

/**
 * An answer of no to one of many questions, which a read of several codes takes as "nothing of it". Without a stack: nothing has failed,
 * nobody reads where it was said, and to note it costs ten times the decision.
 */
export function refusal(
  code: RecordsErrorCode,
  options?: ConstructorParameters<typeof RecordsError>[1],
): RecordsError {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return new RecordsError(code, options);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
