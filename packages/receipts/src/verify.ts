import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from "jose";
import { ReceiptError } from "./errors.ts";
import type { ReceiptKind } from "./receipt-key.ts";

/**
 * The claims of a receipt that verifies: its signature is of one of `jwks`, and it is of that kind.
 *
 * @throws ReceiptError
 */
export async function verifyReceipt(
  kind: ReceiptKind,
  jws: string,
  jwks: JSONWebKeySet,
): Promise<Readonly<Record<string, unknown>>> {
  const { payload, protectedHeader } = await verified(jws, jwks);
  if (protectedHeader.typ !== kind) {
    throw new ReceiptError("malformed", `this is not a receipt of the kind ${kind}`);
  }
  const claims: unknown = JSON.parse(Buffer.from(payload).toString());
  if (typeof claims !== "object" || claims === null || Array.isArray(claims)) {
    throw new ReceiptError("malformed", "the receipt holds no claims");
  }
  return claims as Record<string, unknown>;
}

async function verified(jws: string, jwks: JSONWebKeySet) {
  try {
    return await compactVerify(jws, createLocalJWKSet(jwks), { algorithms: ["Ed25519"] });
  } catch (cause) {
    if (cause instanceof errors.JWKSNoMatchingKey) {
      throw new ReceiptError("unknown_key", "it was signed with a key that is not among those given", {
        cause,
      });
    }
    if (cause instanceof errors.JWSSignatureVerificationFailed) {
      throw new ReceiptError(
        "not_authentic",
        "the signature does not belong to the receipt: it was changed",
        {
          cause,
        },
      );
    }
    if (cause instanceof errors.JOSEError) {
      throw new ReceiptError("malformed", "this is no receipt: it is not a compact JWS signed with Ed25519", {
        cause,
      });
    }
    throw cause;
  }
}
