/**
 * What the verifier of the log (packages/log-verifier, packages/merkle) takes of Node's `crypto`, in a browser: the build puts this
 * file in its place. Hashes are computed at once, as the verifier needs it, which WebCrypto cannot.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";

/** A public key of Ed25519, 32 bytes. */
export interface KeyObject {
  readonly raw: Uint8Array;
}

export function hash(algorithm: string, data: Uint8Array, encoding: string): Buffer {
  if (algorithm !== "sha256" || encoding !== "buffer") throw new TypeError(`no ${algorithm} as ${encoding}`);
  return Buffer.from(sha256(data));
}

/** Of a SubjectPublicKeyInfo of Ed25519 (RFC 8410), which has the key at its end. */
export function createPublicKey({
  key,
  type,
}: {
  readonly key: Uint8Array;
  readonly type: string;
}): KeyObject {
  if (type !== "spki" || key.length !== 44) throw new TypeError("no Ed25519 key");
  return { raw: new Uint8Array(key.subarray(12)) };
}

/** RFC 8032, as OpenSSL judges it: signatures and keys in their one encoding. */
export function verify(
  _algorithm: null,
  message: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): boolean {
  try {
    return ed25519.verify(signature, message, key.raw, { zip215: false });
  } catch {
    return false;
  }
}

export function sign(): never {
  throw new TypeError("a browser signs no notes");
}
