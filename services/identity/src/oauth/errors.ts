import { Code } from "@connectrpc/connect";
import { IdentityError } from "../errors.ts";

function refused(reason: string, message: string): IdentityError {
  return new IdentityError("not_agreed", { code: Code.FailedPrecondition, reason, message });
}

export function consentRequired(): IdentityError {
  return refused(
    "CONSENT_REQUIRED",
    "a scope on a patient's data stands on a consent: create it first (CreateConsent), then complete with its id",
  );
}

export function consentNotInForce(): IdentityError {
  return refused(
    "CONSENT_NOT_IN_FORCE",
    "a consent is not the caller's, not for the application's organization, or not in force",
  );
}

export function subjectNotAsked(asked: string): IdentityError {
  const who = {
    patient: "a patient",
    member: "a member of the application's organization",
    person: "a person",
  }[asked];
  return refused("SUBJECT_NOT_ASKED", `the application asks ${who}: choose whom to act as, then agree`);
}

export function signInAgain(): IdentityError {
  return refused(
    "SIGN_IN_AGAIN",
    "the application asks for a newer sign-in (prompt=login, max_age): sign in again, then agree",
  );
}

export function interactionOver(): IdentityError {
  return refused(
    "INTERACTION_OVER",
    "somebody has agreed in this interaction already: begin again at the application",
  );
}

export function scopeNotAsked(scope: string): IdentityError {
  const shown = JSON.stringify(scope.slice(0, 120));
  return refused("SCOPE_NOT_ASKED", `${shown} was not asked for: grant only what the interaction names`);
}
