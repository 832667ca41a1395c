import { Code } from "@connectrpc/connect";
import { IdentityError } from "../errors.ts";

/** One answer for a code that is unknown, used or too old, and for one whose patient nobody can act for. */
export function guardianCodeInvalid(): IdentityError {
  return new IdentityError("guardian_code_invalid", {
    code: Code.NotFound,
    reason: "GUARDIAN_CODE_INVALID",
    message: "the code is not in force: it was used or has expired; ask for another one",
  });
}

export function petitionWaits(): IdentityError {
  return new IdentityError("petition_waits", {
    code: Code.FailedPrecondition,
    reason: "PETITION_WAITS",
    message:
      "you have asked for this patient already, and nobody has decided yet: wait, or withdraw it first",
  });
}

export function alreadyGuardian(): IdentityError {
  return new IdentityError("already_guardian", {
    code: Code.FailedPrecondition,
    reason: "ALREADY_GUARDIAN",
    message: "the person is a guardian of this patient already",
  });
}

export function petitionClosed(): IdentityError {
  return new IdentityError("petition_closed", {
    code: Code.FailedPrecondition,
    reason: "PETITION_CLOSED",
    message:
      "the petition was decided otherwise, withdrawn or has lapsed: the person can ask again, with a new code",
  });
}

export function petitionsLimited(retryAfterMs: number): IdentityError {
  return new IdentityError("petition_limit", {
    code: Code.ResourceExhausted,
    reason: "PETITION_LIMIT",
    message: "too many codes or petitions within a day: send the next one after the delay",
    retryAfterMs,
  });
}

export function guardianHeld(): IdentityError {
  return new IdentityError("guardian_held", {
    code: Code.FailedPrecondition,
    reason: "GUARDIAN_HELD",
    message:
      "the person's access to this patient is disputed or blocked: decide about that first (SetGuardianState)",
  });
}

/** For who verifies, and knows the patient. */
export function patientFrozen(): IdentityError {
  return new IdentityError("record_frozen", {
    code: Code.PermissionDenied,
    reason: "RECORD_FROZEN",
    message: "the patient's death is confirmed, so nobody becomes a guardian: refuse the petition",
  });
}

export function guardianNotActive(): IdentityError {
  return new IdentityError("guardian_not_active", {
    code: Code.FailedPrecondition,
    reason: "GUARDIAN_NOT_ACTIVE",
    message: "the guardian does not act now, so there is nothing to dispute",
  });
}

export function disputeDecided(retryAfterMs: number): IdentityError {
  return new IdentityError("dispute_decided", {
    code: Code.FailedPrecondition,
    reason: "DISPUTE_DECIDED",
    message:
      "the privacy officer has decided your dispute with this guardian within the last 30 days: write to the officer if something new has come up",
    retryAfterMs,
  });
}
