/**
 * `invalid_policies`: the default policies or the schema do not parse or do not fit together, a mistake of the program.
 * `invalid_request`: a request that the schema does not know; it is never permitted.
 */
export type PolicyErrorCode = "invalid_policies" | "invalid_request";

export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly code: PolicyErrorCode;

  constructor(code: PolicyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
