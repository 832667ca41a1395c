export type GatewayErrorCode =
  /** Another process listens on the address. */
  "address-in-use";

export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: GatewayErrorCode;

  constructor(code: GatewayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What callers get from the paths that are no RPCs; `code` is spelled as Connect spells it. */
export interface HttpProblem {
  readonly code: string;
  readonly reason: string;
  readonly message: string;
}
