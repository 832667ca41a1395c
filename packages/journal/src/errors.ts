/**
 * `unavailable`: the journal cannot be read or written now; try again. `tampered`: its entries are not those that were
 * written. `lost`: it is another one than the data knows, or lacks entries that the data knows: somebody must look.
 * `too_old`: the data is older than the journal reaches back.
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
