/**
 * `unavailable`: the disk is full, the store is closed or failing; try again later. `damaged`: what is stored is not what
 * was written; trying again does not help. `locked`: another process has the store open. `invalid`: the caller broke the
 * port's contract.
 */
export type StoreErrorCode = "unavailable" | "damaged" | "locked" | "invalid";

/** The store's one error. Its message never carries document content. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  /** Of `unavailable`: there is no room on the disk. What is stored can still be read. */
  readonly full: boolean;
  constructor(
    code: StoreErrorCode,
    message: string,
    options: ErrorOptions & { readonly full?: boolean } = {},
  ) {
    super(message, options);
    this.name = "StoreError";
    this.code = code;
    this.full = options.full ?? false;
  }
}
