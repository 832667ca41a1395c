/**
 * - `document`: it cannot be read as a document of the vendor
 * - `request`: what stands beside the document is wrong or missing
 */
export type NormalizeErrorCode = "document" | "request";

/** Nothing of the document can be taken. Messages hold names of fields, never values. */
export class NormalizeError extends Error {
  override readonly name = "NormalizeError";
  readonly code: NormalizeErrorCode;
  /** A field of the request (`time_zone`), or a path of the document that begins with `document`. */
  readonly field: string;
  /** UPPER_SNAKE_CASE. */
  readonly reason: string;

  constructor(
    code: NormalizeErrorCode,
    field: string,
    reason: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.field = field;
    this.reason = reason;
  }
}
