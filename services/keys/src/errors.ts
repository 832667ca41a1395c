import { Code } from "@connectrpc/connect";
import type { Problem, ProblemCarrier } from "@wellapi/rpc";

/** `journal_unavailable`: its store cannot be read or written now. */
export type KeysErrorCode = "journal_unavailable";

/** This service's own error; errors of keys are the vault's. */
export class KeysError extends Error implements ProblemCarrier {
  readonly code: KeysErrorCode;
  readonly problem: Problem;
  constructor(code: KeysErrorCode, problem: Problem, options?: ErrorOptions) {
    super(problem.message, options);
    this.name = "KeysError";
    this.code = code;
    this.problem = problem;
  }
}

export function journalUnavailable(cause: unknown): KeysError {
  const message = "the journal can't be read or written right now: try again";
  const problem = { code: Code.Unavailable, reason: "JOURNAL_UNAVAILABLE", message, retryAfterMs: 1_000 };
  return new KeysError("journal_unavailable", problem, { cause });
}
