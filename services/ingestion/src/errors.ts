import { invalidFields, type Problem, type ProblemCarrier } from "@wellapi/rpc";

/**
 * - `invalid_batch`: the sender's mistake, which concerns the batch as a whole
 * - `invalid_field`: the caller's mistake in another request
 */
export type IngestionErrorCode = "invalid_batch" | "invalid_field";

/** This service's one error. Errors of records pass through unchanged. */
export class IngestionError extends Error implements ProblemCarrier {
  override readonly name = "IngestionError";
  readonly code: IngestionErrorCode;
  readonly problem: Problem;

  constructor(code: IngestionErrorCode, problem: Problem) {
    super(problem.message);
    this.code = code;
    this.problem = problem;
  }
}

/** A field of a request that concerns no batch. */
export function invalidField(field: string, reason: string, description: string): IngestionError {
  return new IngestionError("invalid_field", invalidFields([{ field, reason, description }]));
}

/** @param field path from the request's root, as the contract's own rules have it */
export function invalidBatch(field: string, reason: string, description: string): IngestionError {
  return new IngestionError("invalid_batch", invalidFields([{ field, reason, description }]));
}
