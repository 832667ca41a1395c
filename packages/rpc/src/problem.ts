import type { Problem } from "@wellapi/grpc-client";

export type { Problem, Violation } from "@wellapi/grpc-client";

/** An error that carries the problem for its caller. Each service's error class is one. */
export interface ProblemCarrier {
  readonly problem: Problem;
}

export function isProblemCarrier(error: unknown): error is Error & ProblemCarrier {
  return error instanceof Error && "problem" in error && typeof error.problem === "object";
}
