/**
 * - `malformed`: not a receipt, or a receipt of another kind.
 * - `keys_malformed`: the keys are not a JSON Web Key Set; this says nothing about the receipt.
 * - `unknown_key`: signed with a key that is not among the given keys.
 * - `not_authentic`: the signature does not belong to the content.
 */
export type ReceiptErrorCode = "malformed" | "keys_malformed" | "unknown_key" | "not_authentic";

/** Why a receipt does not verify. */
export class ReceiptError extends Error {
  override readonly name = "ReceiptError";
  readonly code: ReceiptErrorCode;

  constructor(code: ReceiptErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
