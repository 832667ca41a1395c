import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from "jose";
import { ReceiptError, type ReceiptErrorCode } from "./errors.ts";
import { type ReceiptKind, receiptKinds } from "./receipt-key.ts";

const badKeys = "the keys given are not a JSON Web Key Set in which each key has an id of its own";

/** The ReceiptError code of each failure of jose; the first match counts. */
const failures: readonly (readonly [typeof errors.JOSEError, ReceiptErrorCode, string])[] = [
  [errors.JWKSInvalid, "keys_malformed", badKeys],
  [errors.JWKSMultipleMatchingKeys, "keys_malformed", badKeys],
  [errors.JWKSNoMatchingKey, "unknown_key", "it was signed with a key that is not among those given"],
  [
    errors.JWSSignatureVerificationFailed,
    "not_authentic",
    "the signature does not belong to the receipt: it was changed",
  ],
  [errors.JOSEError, "malformed", "this is no receipt: it is not a compact JWS signed with Ed25519"],
];

/** What a receipt says. */
export interface VerifiedReceipt {
  readonly kind: ReceiptKind;
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * Verifies a receipt of whatever kind: one of `jwks` signed it.
 *
 * @throws ReceiptError
 */
export async function verifyAnyReceipt(jws: string, jwks: JSONWebKeySet): Promise<VerifiedReceipt> {
  const { payload, protectedHeader } = await verified(jws, jwks);
  const kind = receiptKinds.find((one) => one === protectedHeader.typ);
  if (kind === undefined) throw new ReceiptError("malformed", "this is not a receipt of a kind known here");
  const claims = claimsIn(payload);
  if (typeof claims !== "object" || claims === null || Array.isArray(claims)) {
    throw new ReceiptError("malformed", "the receipt holds no claims");
  }
  return { kind, claims: claims as Record<string, unknown> };
}

/**
 * Verifies a receipt and returns its claims: one of `jwks` signed it, and it has the expected kind.
 *
 * @throws ReceiptError
 */
export async function verifyReceipt(
  kind: ReceiptKind,
  jws: string,
  jwks: JSONWebKeySet,
): Promise<VerifiedReceipt["claims"]> {
  const receipt = await verifyAnyReceipt(jws, jwks);
  if (receipt.kind === kind) return receipt.claims;
  throw new ReceiptError("malformed", `this is not a receipt of the kind ${kind}`);
}

async function verified(jws: string, jwks: JSONWebKeySet) {
  try {
    return await compactVerify(jws, createLocalJWKSet(jwks), { algorithms: ["Ed25519"] });
  } catch (cause) {
    for (const [kind, code, message] of failures) {
      if (cause instanceof kind) throw new ReceiptError(code, message, { cause });
    }
    throw cause;
  }
}

function claimsIn(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString());
  } catch (cause) {
    throw new ReceiptError("malformed", "the receipt holds no JSON", { cause });
  }
}
