/**
 * - `malformed`: not a receipt, or not of the kind that was asked for.
 * - `keys_malformed`: the keys given are not a JSON Web Key Set; nothing is known of the receipt.
 * - `unknown_key`: signed with a key that is not among those given.
 * - `not_authentic`: the signature does not belong to what is signed.
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
