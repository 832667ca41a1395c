/**
 * - `unknown_unit`: not a UCUM unit
 * - `not_convertible`: units of two dimensions, or a scale that this package does not convert (pH, decibel)
 * - `invalid_data`: documents that cannot be used; the message names all that is wrong
 * - `out_of_range`: digits outside 0 to 9, or a result beyond ±(2^53 − 1)
 */
export type TerminologyErrorCode = "unknown_unit" | "not_convertible" | "out_of_range" | "invalid_data";

/** The one error of this package. Messages hold no value and no text of the caller. */
export class TerminologyError extends Error {
  override readonly name = "TerminologyError";
  readonly code: TerminologyErrorCode;

  constructor(code: TerminologyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
