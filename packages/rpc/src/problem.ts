import type { Code } from "@connectrpc/connect";

/** One field that is wrong; `field` is a path from the request's root. */
export interface Violation {
  readonly field: string;
  readonly description: string;
  readonly reason: string;
}

/**
 * What a caller is told. Becomes a status with exactly one google.rpc.ErrorInfo (domain wellapi.dev), with
 * google.rpc.BadRequest for violations and google.rpc.RetryInfo for a retry delay. Carries no health data,
 * token or key.
 */
export interface Problem {
  readonly code: Code;
  /** UPPER_SNAKE_CASE. */
  readonly reason: string;
  /** What is wrong, where, and how to mend it. */
  readonly message: string;
  readonly violations?: readonly Violation[];
  readonly retryAfterMs?: number;
}

/** An error that says itself what its caller is told. Each service's error class is one. */
export interface ProblemCarrier {
  readonly problem: Problem;
}

export function isProblemCarrier(error: unknown): error is Error & ProblemCarrier {
  return error instanceof Error && "problem" in error && typeof error.problem === "object";
}
