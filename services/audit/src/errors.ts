import { Code } from "@connectrpc/connect";
import type { Problem, ProblemCarrier, Violation } from "@wellapi/rpc";

/**
 * - `not_found`: there is no such access, or the caller may not see it.
 * - `caller_not_permitted`: this kind of caller has no accesses to list.
 * - `invalid_field`, `invalid_page_token`: the caller's mistake.
 * - `unavailable`: the store or a key cannot be used now.
 * - `behind_checkpoint`: at start: the store holds less than, or something else than, what was published.
 * - `tree_damaged`: at start: entries are missing, or do not lead to the root that is stored beside them.
 */
export type AuditErrorCode =
  | "not_found"
  | "caller_not_permitted"
  | "invalid_field"
  | "invalid_page_token"
  | "unavailable"
  | "behind_checkpoint"
  | "tree_damaged";

/** This service's one error. */
export class AuditError extends Error implements ProblemCarrier {
  readonly code: AuditErrorCode;
  readonly problem: Problem;
  constructor(code: AuditErrorCode, problem: Problem, options?: ErrorOptions) {
    super(problem.message, options);
    this.name = "AuditError";
    this.code = code;
    this.problem = problem;
  }
}

/** One answer for an access that does not exist and for one that is not the caller's. */
export function notFound(): AuditError {
  const message = "There is no such access, or it is not yours to see.";
  return new AuditError("not_found", { code: Code.NotFound, reason: "NOT_FOUND", message });
}

export function callerNotPermitted(): AuditError {
  const message = "Accesses are listed for patients, applications and operators.";
  return new AuditError("caller_not_permitted", {
    code: Code.PermissionDenied,
    reason: "CALLER_NOT_PERMITTED",
    message,
  });
}

export function invalidField(field: string, description: string, reason: string): AuditError {
  const violations: Violation[] = [{ field, description, reason }];
  const message = `${field}: ${description}`;
  return new AuditError("invalid_field", {
    code: Code.InvalidArgument,
    reason: "INVALID_FIELD",
    message,
    violations,
  });
}

export function invalidPageToken(options?: ErrorOptions): AuditError {
  const message = "page_token is not from the page before of the same query by the same caller.";
  const problem = { code: Code.InvalidArgument, reason: "INVALID_PAGE_TOKEN", message };
  return new AuditError("invalid_page_token", problem, options);
}

export function unavailable(options?: ErrorOptions): AuditError {
  const message = "The log cannot be read or written now. Try again later.";
  const problem = { code: Code.Unavailable, reason: "STORE_UNAVAILABLE", message, retryAfterMs: 1000 };
  return new AuditError("unavailable", problem, options);
}

/** Errors of a start that is refused; nobody calls yet, so the problem is for the operator's eyes. */
export function startRefused(
  code: "behind_checkpoint" | "tree_damaged",
  message: string,
  options?: ErrorOptions,
): AuditError {
  return new AuditError(
    code,
    { code: Code.FailedPrecondition, reason: code.toUpperCase(), message },
    options,
  );
}
