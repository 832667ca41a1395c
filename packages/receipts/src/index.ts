export { ReceiptError, type ReceiptErrorCode } from "./errors.ts";
export { type KeyDerivation, openReceiptKey, type ReceiptKey, type ReceiptKind } from "./receipt-key.ts";
export { type VerifiedReceipt, verifyAnyReceipt, verifyReceipt } from "./verify.ts";
