/**
 * `unavailable`: the disk is full, the store is closed or failing; try again later.
 * `locked`: another process has the store open. `invalid`: the caller broke the port's contract.
 */
export type StoreErrorCode = "unavailable" | "locked" | "invalid";

/** The store's one error. Its message never carries document content. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreError";
    this.code = code;
  }
}
