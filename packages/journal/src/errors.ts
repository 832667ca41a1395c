/**
 * `unavailable`: the journal cannot be read or written now; try again. `tampered`: its entries differ from what was
 * written. `lost`: the journal is not the one that the data knows, or it lacks entries that the data knows; an
 * operator must look. `too_old`: the data is older than the oldest entry of the journal.
 */
export type JournalErrorCode = "unavailable" | "tampered" | "lost" | "too_old";

/** The journal's one error; its message is one line that says what to do. */
export class JournalError extends Error {
  readonly code: JournalErrorCode;
  constructor(code: JournalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "JournalError";
    this.code = code;
  }
}
