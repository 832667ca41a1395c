import { Code } from "@connectrpc/connect";
import type { Problem, ProblemCarrier } from "@wellapi/rpc";
import type { Violation } from "./violation.ts";

export type IngestionErrorCode = "INVALID_FIELD";

/** A whole batch that is refused. The one error of this service; the others are those of records. */
export class IngestionError extends Error implements ProblemCarrier {
  override readonly name = "IngestionError";
  readonly code: IngestionErrorCode = "INVALID_FIELD";
  readonly problem: Problem;

  constructor(violation: Violation) {
    const message = `${violation.field}: ${violation.description}`;
    super(message);
    this.problem = {
      code: Code.InvalidArgument,
      reason: "INVALID_FIELD",
      message,
      violations: [violation],
    };
  }
}
