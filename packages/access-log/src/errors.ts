import { Code } from "@connectrpc/connect";
import type { Problem, ProblemCarrier } from "@wellapi/rpc";

/**
 * - `unavailable`: neither the store nor the reserve could take the leaf, or the log is closed. Refuse the call.
 * - `leaf_too_large`: the access takes more than the intake's 16 KiB: its lists were not bounded by the caller.
 * - `duplicate_leaf`: the caller chose an id that was used before.
 * - `tampered`: a sealed leaf does not open: damaged, moved, or sealed by another installation.
 */
export type AccessLogErrorCode = "unavailable" | "leaf_too_large" | "duplicate_leaf" | "tampered";

/** This package's one error. Its message never carries an access's content. */
export class AccessLogError extends Error implements ProblemCarrier {
  readonly code: AccessLogErrorCode;
  readonly problem: Problem;
  constructor(code: AccessLogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AccessLogError";
    this.code = code;
    this.problem =
      code === "unavailable"
        ? {
            code: Code.Unavailable,
            reason: "LOG_UNAVAILABLE",
            message: "This access cannot be logged now, so it is not permitted. Try again later.",
            retryAfterMs: 1000,
          }
        : { code: Code.Internal, reason: "INTERNAL", message: "The access could not be logged." };
  }
}
