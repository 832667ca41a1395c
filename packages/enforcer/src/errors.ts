import { Code } from "@connectrpc/connect";

/** `undecided`: no session became live in time. `closed`: the enforcer was closed. */
export type EnforcerErrorCode = "undecided" | "closed";

/**
 * The enforcer's one error. A caller that gets it releases nothing and stores nothing. `problem` is the answer for
 * the caller (the shape of `Problem` in @wellapi/rpc).
 */
export class EnforcerError extends Error {
  readonly code: EnforcerErrorCode;
  readonly problem = {
    code: Code.Unavailable,
    reason: "UNDECIDED",
    message: "consent could not be decided just now; nothing was released or stored: try again",
    retryAfterMs: 500,
  };

  constructor(code: EnforcerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EnforcerError";
    this.code = code;
  }
}
