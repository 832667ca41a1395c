/** `tampered`: a nonce has another length than 32 bytes, so no entry of the log belongs to it. */
export type LogVerifierErrorCode = "tampered";

/** This package's own error; a proof or a signature that does not verify is a MerkleError. */
export class LogVerifierError extends Error {
  override readonly name = "LogVerifierError";
  readonly code: LogVerifierErrorCode;

  constructor(code: LogVerifierErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
