/**
 * `no_key`: no key was ever made. `destroyed`: the key was destroyed for ever. `tampered`: the bytes were not sealed
 * by this key for this context. `unavailable`: the store or the KMS cannot answer, or the key was dropped from
 * memory; try again. `damaged`: the wrapped key, or the file that holds it, differs from what was written; trying
 * again does not help. `invalid`: the caller broke the port's contract, or a key file or configuration cannot be
 * used.
 */
export type VaultErrorCode = "no_key" | "destroyed" | "tampered" | "unavailable" | "damaged" | "invalid";

/** The vault's one error. Its message never carries a key, a plaintext or a patient's id. */
export class VaultError extends Error {
  readonly code: VaultErrorCode;
  constructor(code: VaultErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "VaultError";
    this.code = code;
  }
}

/** Whether the error says that the patient never had a key, so nothing was ever sealed. */
export function isWithoutKey(error: unknown): error is VaultError {
  return error instanceof VaultError && error.code === "no_key";
}
