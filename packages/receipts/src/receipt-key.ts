import { createPrivateKey, createPublicKey } from "node:crypto";
import { CompactSign, calculateJwkThumbprint, type JSONWebKeySet } from "jose";

/** The `typ` header of each kind of receipt. */
export const receiptKinds = ["wellapi-erasure-receipt+jwt", "wellapi-consent-receipt+jwt"] as const;
export type ReceiptKind = (typeof receiptKinds)[number];

/** Signs receipts for this installation. */
export interface ReceiptKey {
  /** The public half as a JSON Web Key Set (RFC 7517), to publish. */
  readonly jwks: JSONWebKeySet;
  /**
   * A compact JWS over the claims as JSON. Ed25519 is deterministic: the same claims give the same text, so a client
   * that asks for a receipt again gets the same receipt.
   */
  sign(kind: ReceiptKind, claims: Readonly<Record<string, unknown>>): Promise<string>;
}

/** Derives the key; the vault's KMS implements it. */
export interface KeyDerivation {
  /** 32 bytes, derived from the master key's root and the purpose. */
  derive(purpose: string): Promise<Uint8Array>;
}

/** RFC 8410: the bytes before the 32 bytes of an Ed25519 seed in PKCS #8. */
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * The installation's one key for receipts. It is derived from the master key's root, so a rotation of the master key
 * keeps it.
 */
export async function openReceiptKey(kms: KeyDerivation): Promise<ReceiptKey> {
  const seed = await kms.derive("receipts/signing");
  const der = Buffer.concat([PKCS8_ED25519, seed]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  seed.fill(0);
  der.fill(0);
  const { kty, crv, x } = createPublicKey(privateKey).export({ format: "jwk" });
  const kid = await calculateJwkThumbprint({ kty: kty!, crv: crv!, x: x! });
  return {
    jwks: { keys: [{ kty: kty!, crv: crv!, x: x!, kid, use: "sig", alg: "Ed25519" }] },
    sign(kind, claims) {
      const payload = Buffer.from(JSON.stringify(claims));
      return new CompactSign(payload).setProtectedHeader({ alg: "Ed25519", kid, typ: kind }).sign(privateKey);
    },
  };
}
