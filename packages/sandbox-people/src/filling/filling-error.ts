/** Why an organization is not filled. */
export type FillingErrorCode =
  /** It has no room for so many test patients. */
  | "too_many_patients"
  /** The exchange took a batch in part: what is wrong is in the message. */
  | "rejected";

/** A failure of the filling itself; what the exchange refuses is thrown as its transport throws it. */
export class FillingError extends Error {
  override readonly name = "FillingError";
  readonly code: FillingErrorCode;

  constructor(code: FillingErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
