import { Code } from "@connectrpc/connect";
import { IdentityError } from "../errors.ts";

/** The flow is unknown, was used, is over, or belongs to another browser: none of them is told apart. */
export function flowInvalid(): IdentityError {
  return new IdentityError("flow_invalid", {
    code: Code.Unauthenticated,
    reason: "FLOW_INVALID",
    message: "this sign-in is over, or was begun elsewhere: begin again",
  });
}

export function codeWrong(left: number): IdentityError {
  return new IdentityError("code_wrong", {
    code: Code.Unauthenticated,
    reason: "CODE_WRONG",
    message:
      left > 0
        ? `the code is wrong: ${left} ${left === 1 ? "try" : "tries"} left`
        : "the code is wrong, and it was the last try: ask for another code",
  });
}

export function codesLimited(retryAfterMs: number): IdentityError {
  return new IdentityError("codes_limited", {
    code: Code.ResourceExhausted,
    reason: "CODES_LIMITED",
    message: "this address has been sent many codes: use the last one, or wait and ask again",
    retryAfterMs,
  });
}

export function guessesLimited(): IdentityError {
  return new IdentityError("guesses_limited", {
    code: Code.ResourceExhausted,
    reason: "GUESSES_LIMITED",
    message: "too many wrong codes for this account: wait an hour, or use a passkey",
    retryAfterMs: 3_600_000,
  });
}

export function secondFactorWrong(): IdentityError {
  return new IdentityError("code_wrong", {
    code: Code.Unauthenticated,
    reason: "CODE_WRONG",
    message: "the code is wrong, or was used before: begin again with another one",
  });
}

export function passkeyRefused(cause?: unknown): IdentityError {
  const problem = {
    code: Code.Unauthenticated,
    reason: "PASSKEY_REFUSED",
    message:
      "the passkey is refused: it is none of this account, of another site, or without its user's check",
  };
  return new IdentityError("passkey_refused", problem, { cause });
}

/** Only for somebody who controls the address. */
export function emailInUse(): IdentityError {
  return new IdentityError("email_in_use", {
    code: Code.AlreadyExists,
    reason: "EMAIL_IN_USE",
    message: "another account has this e-mail address: sign in to that one, or use another address",
  });
}

export function patientInUse(): IdentityError {
  return new IdentityError("patient_in_use", {
    code: Code.AlreadyExists,
    reason: "PATIENT_IN_USE",
    message: "the patient or the account is somebody else's already",
  });
}

export function assuranceRequired(what: string): IdentityError {
  return new IdentityError("assurance_required", {
    code: Code.PermissionDenied,
    reason: "ASSURANCE_REQUIRED",
    message: `${what} needs a fresh sign-in: prove with a passkey or a second factor that it is you (BeginStepUp); who has lost them starts a recovery`,
  });
}

export function lastWayIn(): IdentityError {
  return new IdentityError("last_way_in", {
    code: Code.FailedPrecondition,
    reason: "LAST_WAY_IN",
    message:
      "it is the account's last way in besides e-mail: add another passkey first, then remove this one",
  });
}

export function tooManyPasskeys(most: number): IdentityError {
  return new IdentityError("last_way_in", {
    code: Code.FailedPrecondition,
    reason: "TOO_MANY_PASSKEYS",
    message: `an account has at most ${most} passkeys: remove one first`,
  });
}

export function mailUnavailable(cause: unknown): IdentityError {
  const problem = {
    code: Code.Unavailable,
    reason: "MAIL_UNAVAILABLE",
    message: "mail cannot be sent at the moment: try again after the delay",
    retryAfterMs: 5_000,
  };
  return new IdentityError("mail_unavailable", problem, { cause });
}

export function mailNotSetUp(): IdentityError {
  return new IdentityError("mail_not_set_up", {
    code: Code.FailedPrecondition,
    reason: "MAIL_NOT_SET_UP",
    message: "this installation sends no mail: its operator sets WELLAPI_SMTP_URL and WELLAPI_MAIL_FROM",
  });
}

/** The mailbox holds other people's codes. */
export function noMailbox(): IdentityError {
  return new IdentityError("sandbox_only", {
    code: Code.FailedPrecondition,
    reason: "SANDBOX_ONLY",
    message: "there is a mailbox only in the sandbox profile, and only while no SMTP server is set",
  });
}
