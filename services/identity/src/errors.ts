import { Code } from "@connectrpc/connect";
import type { Problem, ProblemCarrier, Violation } from "@wellapi/rpc";

/**
 * `invalid`: a field is wrong. `damaged`: stored data does not open or does not fit together; an operator has to
 * check the store or the key file. The other codes have the meaning of their problem's reason.
 */
export type IdentityErrorCode =
  | "invalid"
  | "not_found"
  | "request_id_reused"
  | "stale_etag"
  | "deleted"
  | "organization_in_use"
  | "organization_verified"
  | "organization_unverified"
  | "emergency_unverified"
  | "credential_revoked"
  | "last_operator"
  | "already_replaced"
  | "not_in_force"
  | "credential_invalid"
  | "test_key_refused"
  | "proof_invalid"
  | "nonce_required"
  | "caller_not_permitted"
  | "sandbox_only"
  | "flow_invalid"
  | "code_wrong"
  | "codes_limited"
  | "guesses_limited"
  | "passkey_refused"
  | "email_in_use"
  | "patient_in_use"
  | "record_frozen"
  | "record_not_frozen"
  | "assurance_required"
  | "last_way_in"
  | "mail_not_set_up"
  | "too_many_policies"
  | "too_many_organizations"
  | "too_many_test_patients"
  | "clock_ahead"
  | "too_many_moved_clocks"
  | "journal_unavailable"
  | "last_keeper"
  | "invitation_invalid"
  | "invitation_limit"
  | "mail_unavailable"
  | "role_required"
  | "guardian_code_invalid"
  | "petition_waits"
  | "already_guardian"
  | "petition_closed"
  | "petition_limit"
  | "guardian_held"
  | "guardian_not_active"
  | "dispute_decided"
  /** The OAuth server: what a person agrees to does not fit what is asked. */
  | "not_agreed"
  | "damaged";

/** The service's one error. Its message never carries a name, a token or a key. */
export class IdentityError extends Error implements ProblemCarrier {
  readonly code: IdentityErrorCode;
  readonly problem: Problem;
  constructor(code: IdentityErrorCode, problem: Problem, options?: ErrorOptions) {
    super(problem.message, options);
    this.name = "IdentityError";
    this.code = code;
    this.problem = problem;
  }
}

export function invalidField(field: string, description: string, options?: ErrorOptions): IdentityError {
  const violation: Violation = { field, description, reason: "INVALID_FIELD" };
  const problem = {
    code: Code.InvalidArgument,
    reason: "INVALID_FIELD",
    message: `${field}: ${description}`,
    violations: [violation],
  };
  return new IdentityError("invalid", problem, options);
}

export function notFound(what: string): IdentityError {
  return new IdentityError("not_found", {
    code: Code.NotFound,
    reason: "NOT_FOUND",
    message: `there is no such ${what}; check the id`,
  });
}

export function requestIdReused(): IdentityError {
  return new IdentityError("request_id_reused", {
    code: Code.AlreadyExists,
    reason: "REQUEST_ID_REUSED",
    message: "this request_id was used with other content; send changed content with a new request_id",
  });
}

export function staleEtag(what: string): IdentityError {
  return new IdentityError("stale_etag", {
    code: Code.Aborted,
    reason: "STALE_ETAG",
    message: `the ${what} has changed since: get it again, then change it with its etag`,
  });
}

export function deleted(): IdentityError {
  return new IdentityError("deleted", {
    code: Code.FailedPrecondition,
    reason: "DELETED",
    message: "it was deleted, for ever: create another one, under an id of its own",
  });
}

export function organizationInUse(): IdentityError {
  return new IdentityError("organization_in_use", {
    code: Code.FailedPrecondition,
    reason: "ORGANIZATION_IN_USE",
    message: "the organization has applications: delete those first, then the organization",
  });
}

export function organizationVerified(): IdentityError {
  return new IdentityError("organization_verified", {
    code: Code.FailedPrecondition,
    reason: "ORGANIZATION_VERIFIED",
    message:
      "the organization is verified under this name: the privacy officer takes that back first, and verifies the new name then",
  });
}

/** In the production profile. */
export function organizationUnverified(): IdentityError {
  return new IdentityError("organization_unverified", {
    code: Code.PermissionDenied,
    reason: "ORGANIZATION_UNVERIFIED",
    message:
      "the organization is not verified yet: ask the installation's privacy officer to confirm its legal name, domain and agreements",
  });
}

export function emergencyUnverified(): IdentityError {
  return new IdentityError("emergency_unverified", {
    code: Code.FailedPrecondition,
    reason: "ORGANIZATION_UNVERIFIED",
    message:
      "only clinicians of a verified organization may open emergency access: verify the organization first",
  });
}

/** For a repeated request whose credential was revoked since: it must not make another one. */
export function credentialRevoked(): IdentityError {
  return new IdentityError("credential_revoked", {
    code: Code.FailedPrecondition,
    reason: "CREDENTIAL_REVOKED",
    message:
      "this request_id made a credential that was revoked since: ask for another one with a new request_id",
  });
}

export function alreadyReplaced(successor: string): IdentityError {
  return new IdentityError("already_replaced", {
    code: Code.FailedPrecondition,
    reason: "ALREADY_REPLACED",
    message: `it was replaced before, by ${successor}: replace that one; if it is not yours, revoke both`,
  });
}

export function notInForce(): IdentityError {
  return new IdentityError("not_in_force", {
    code: Code.FailedPrecondition,
    reason: "CREDENTIAL_NOT_IN_FORCE",
    message: "it was revoked or has expired: make a new one, it cannot be replaced",
  });
}

/** Without an operator nobody could revoke, enrol or repair anything. */
export function lastOperator(): IdentityError {
  return new IdentityError("last_operator", {
    code: Code.FailedPrecondition,
    reason: "LAST_OPERATOR",
    message:
      "it is the last operator's key in force: create another one first (CreateOperatorKey), then revoke this one with that",
  });
}

/** Only who has shown that the account is theirs gets it. */
export function recordFrozen(): IdentityError {
  return new IdentityError("record_frozen", {
    code: Code.PermissionDenied,
    reason: "RECORD_FROZEN",
    message:
      "this person's death was reported and confirmed, so nobody signs in as them: if that is a mistake, write to whoever runs this exchange, who can undo it",
  });
}

export function recordNotFrozen(): IdentityError {
  return new IdentityError("record_not_frozen", {
    code: Code.FailedPrecondition,
    reason: "RECORD_NOT_FROZEN",
    message:
      "only a patient whose death is confirmed has representatives: report the death first (ReportDeath), and the privacy officer confirms it",
  });
}

/** Only the holder of the credential gets `why`: it must not reveal more than the credential itself does. */
export function credentialInvalid(why: string, options?: ErrorOptions): IdentityError {
  const problem = { code: Code.Unauthenticated, reason: "CREDENTIAL_INVALID", message: why };
  return new IdentityError("credential_invalid", problem, options);
}

export function testKeyRefused(): IdentityError {
  return new IdentityError("test_key_refused", {
    code: Code.Unauthenticated,
    reason: "TEST_KEY_REFUSED",
    message:
      "this is the key of a sandbox, and this exchange holds real people's data: use a key that was made here",
  });
}

/** Of a DPoP proof, or of the certificate that a token is bound to. */
export function proofInvalid(why: string, options?: ErrorOptions): IdentityError {
  const problem = {
    code: Code.Unauthenticated,
    reason: "PROOF_INVALID",
    message: `the proof that the token is yours is refused: ${why}`,
  };
  return new IdentityError("proof_invalid", problem, options);
}

/** `nonce` goes into the header `dpop-nonce` of the door's answer. */
export function nonceRequired(nonce: string): IdentityError {
  return new IdentityError("nonce_required", {
    code: Code.Unauthenticated,
    reason: "DPOP_NONCE_REQUIRED",
    message:
      "the DPoP proof has no nonce of this server, or one that is too old: make another proof with the nonce in the header dpop-nonce of this answer",
    metadata: { dpop_nonce: nonce },
  });
}

export function callerNotPermitted(message: string): IdentityError {
  return new IdentityError("caller_not_permitted", {
    code: Code.PermissionDenied,
    reason: "CALLER_NOT_PERMITTED",
    message,
  });
}

export function tooManyPolicies(most: number): IdentityError {
  return new IdentityError("too_many_policies", {
    code: Code.FailedPrecondition,
    reason: "TOO_MANY_POLICIES",
    message: `the organization has ${most} policies, the most that there can be: delete one, or join two in one`,
  });
}

export function sandboxOnly(): IdentityError {
  return new IdentityError("sandbox_only", {
    code: Code.FailedPrecondition,
    reason: "SANDBOX_ONLY",
    message:
      "tokens of patients are issued only in the sandbox profile; elsewhere patients sign in themselves",
  });
}

/** Of people who make an organization by themselves. */
export function signUpClosed(): IdentityError {
  return new IdentityError("sandbox_only", {
    code: Code.FailedPrecondition,
    reason: "SANDBOX_ONLY",
    message:
      "this exchange holds real people's data: its operator creates organizations and invites their first owners, so ask them; only a sandbox lets people create one by themselves",
  });
}

/** Of members, who enrol and act as test patients. */
export function testPatientsOnly(): IdentityError {
  return new IdentityError("sandbox_only", {
    code: Code.FailedPrecondition,
    reason: "SANDBOX_ONLY",
    message:
      "test patients are only in a sandbox: here patients are enrolled by the operator, or register by themselves",
  });
}

/** Of clocks of organizations, which are moved for tests alone. */
export function clocksInSandbox(): IdentityError {
  return new IdentityError("sandbox_only", {
    code: Code.FailedPrecondition,
    reason: "SANDBOX_ONLY",
    message: "clocks are moved only in a sandbox: here it is the true time for everybody",
  });
}

/** `aheadSeconds`: by how much it is ahead now. */
export function clockAhead(aheadSeconds: number): IdentityError {
  return new IdentityError("clock_ahead", {
    code: Code.FailedPrecondition,
    reason: "CLOCK_AHEAD",
    message: `the organization's clock is ${aheadSeconds} seconds ahead, and is never moved back: ask for more, or sign up another organization`,
  });
}

export function tooManyMovedClocks(): IdentityError {
  return new IdentityError("too_many_moved_clocks", {
    code: Code.ResourceExhausted,
    reason: "TOO_MANY_MOVED_CLOCKS",
    message:
      "the clocks of 10,000 organizations of this sandbox were moved, the most that there may be: use one of those",
  });
}

export function tooManyTestPatients(most: number): IdentityError {
  return new IdentityError("too_many_test_patients", {
    code: Code.FailedPrecondition,
    reason: "TOO_MANY_PATIENTS",
    message: `the organization has ${most} test patients, the most that it may: erase some of them first`,
  });
}

export function tooManyOrganizations(most: number): IdentityError {
  return new IdentityError("too_many_organizations", {
    code: Code.FailedPrecondition,
    reason: "TOO_MANY_ORGANIZATIONS",
    message: `you have created ${most} organizations, the most that an account may: use one of them, or ask the operator to delete one`,
  });
}

export function journalUnavailable(cause: unknown): IdentityError {
  const problem = {
    code: Code.Unavailable,
    reason: "JOURNAL_UNAVAILABLE",
    message:
      "the change holds everywhere; that it outlives a restore is not certain yet: send the same again",
    retryAfterMs: 2_000,
  };
  return new IdentityError("journal_unavailable", problem, { cause });
}

export function damaged(message: string, options?: ErrorOptions): IdentityError {
  const problem = {
    code: Code.Internal,
    reason: "INTERNAL",
    message: "the installation's identity data is damaged",
  };
  return new IdentityError("damaged", problem, { ...options, cause: options?.cause ?? new Error(message) });
}
