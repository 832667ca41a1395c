import type { Problem } from "@wellapi/grpc-client";

export type { Problem, Violation } from "@wellapi/grpc-client";

/** An error that says itself what its caller is told. Each service's error class is one. */
export interface ProblemCarrier {
  readonly problem: Problem;
}

export function isProblemCarrier(error: unknown): error is Error & ProblemCarrier {
  return error instanceof Error && "problem" in error && typeof error.problem === "object";
}
