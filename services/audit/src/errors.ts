import { Code } from "@connectrpc/connect";
import type { Problem, ProblemCarrier, Violation } from "@wellapi/rpc";

/**
 * - `not_found`: the access or file does not exist, or the caller may not see it.
 * - `caller_not_permitted`: this kind of caller has no accesses to list.
 * - `invalid_field`: the caller's mistake.
 * - `damaged`: the stored access does not open any more.
 * - `behind_checkpoint`: at start: the store holds less than, or something else than, what was published.
 * - `two_writers`: at start: another process has the log.
 * - `tree_damaged`: an entry is missing in the store.
 * - `log_damaged`: a stored entry, or the stored tree, is not what was written.
 */
export type AuditErrorCode =
  | "not_found"
  | "caller_not_permitted"
  | "invalid_field"
  | "damaged"
  | "behind_checkpoint"
  | "two_writers"
  | "tree_damaged"
  | "log_damaged";

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

export function damagedAccess(): AuditError {
  const message =
    "The access is stored but damaged: it is no fault of the request, sending it again does not help, and the operator is told. What the log has published of it can still be proven.";
  return new AuditError("damaged", { code: Code.DataLoss, reason: "DATA_DAMAGED", message });
}

export function damagedAccesses(): AuditError {
  const message =
    "Some stored accesses are damaged, so a list would have gaps: it is no fault of the request, and the operator is told.";
  return new AuditError("damaged", { code: Code.DataLoss, reason: "DATA_DAMAGED", message });
}

export function damagedUsage(): AuditError {
  const message =
    "Some of the stored usage is damaged, so sums would be too small: it is no fault of the request, and the operator is told. The accesses themselves are listed apart from it.";
  return new AuditError("damaged", { code: Code.DataLoss, reason: "DATA_DAMAGED", message });
}

/** For a read that needs one of the entries [start, end): they are, or one of them is, not what was written. */
export function damagedEntries(start: number, end: number): AuditError {
  const which = end - start === 1 ? `entry ${start}` : `one of the entries ${start} to ${end - 1}`;
  const message = `The log holds this, but ${which} is damaged in the store, and is not shown as if it were whole. It is no fault of the request, sending it again does not help, and the operator is told.`;
  return new AuditError("log_damaged", { code: Code.DataLoss, reason: "LOG_DAMAGED", message });
}

/** For proofs, while the tree itself is not to be relied on. */
export function damagedTree(): AuditError {
  const message =
    "The stored tree of the log is damaged, so nothing can be proven. The last checkpoint stands. The operator is told.";
  return new AuditError("log_damaged", { code: Code.DataLoss, reason: "LOG_DAMAGED", message });
}

/** For services' outboxes: entries stay there until the tree is repaired. */
export function takesNoEntries(): AuditError {
  const message = "The stored tree of the log is damaged: the log takes no entries until it is repaired.";
  const problem = { code: Code.Unavailable, reason: "LOG_DAMAGED", message, retryAfterMs: 5_000 };
  return new AuditError("log_damaged", problem);
}

export function noSuchFile(): AuditError {
  const message = "The log has no such file: the size in its checkpoint says which tiles there are.";
  return new AuditError("not_found", { code: Code.NotFound, reason: "NOT_FOUND", message });
}

export function callerNotPermitted(): AuditError {
  const message =
    "Accesses are listed for patients, applications and operators; usage for applications and members of organizations.";
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

/** The store differs from the published log. At start there are no callers: the message is for the operator. */
export function startRefused(
  code: "behind_checkpoint" | "two_writers" | "tree_damaged",
  message: string,
  options?: ErrorOptions,
): AuditError {
  return new AuditError(code, { code: Code.DataLoss, reason: code.toUpperCase(), message }, options);
}
