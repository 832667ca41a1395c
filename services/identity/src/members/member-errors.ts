import { Code } from "@connectrpc/connect";
import type { Role } from "@wellapi/rpc";
import { IdentityError } from "../errors.ts";

/** Nobody else could give the role back. */
export function lastKeeper(role: Role): IdentityError {
  return new IdentityError("last_keeper", {
    code: Code.FailedPrecondition,
    reason: role === "owner" ? "LAST_OWNER" : "LAST_OPERATOR",
    message: `it is the last member with the role ${role}: give the role to somebody else first, then take it from this one`,
  });
}

/** One answer for a code that is unknown, used, taken back or too old, and for one whose inviter lost the right to it. */
export function invitationInvalid(): IdentityError {
  return new IdentityError("invitation_invalid", {
    code: Code.NotFound,
    reason: "INVITATION_INVALID",
    message: "the invitation is not in force: it was used, taken back or has expired; ask for another one",
  });
}

export function tooManyInvitations(what: string): IdentityError {
  return new IdentityError("invitation_limit", {
    code: Code.ResourceExhausted,
    reason: "INVITATION_LIMIT",
    message: `${what}: send the next one tomorrow`,
    retryAfterMs: 86_400_000,
  });
}

export function mailUnavailable(cause: unknown): IdentityError {
  const problem = {
    code: Code.Unavailable,
    reason: "MAIL_UNAVAILABLE",
    message: "the mail could not be handed over: send the same request again, which sends it with a new code",
    retryAfterMs: 30_000,
  };
  return new IdentityError("mail_unavailable", problem, { cause });
}

/** The caller's roles do not reach as far as the role that they would give or take. */
export function roleRequired(message: string): IdentityError {
  return new IdentityError("role_required", {
    code: Code.PermissionDenied,
    reason: "ROLE_REQUIRED",
    message,
  });
}
