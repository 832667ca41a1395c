import { hkdfSync } from "node:crypto";
import { VaultError } from "./errors.ts";

/** Node accepts at most this many bytes of info. */
const MAX_INFO_BYTES = 1024;
const noSalt = new Uint8Array();

/**
 * 32 bytes by HKDF-SHA-256 (RFC 5869), without a salt: every input key is uniformly random. The purpose and its parts
 * are encoded as JSON, so that no two lists of parts collide.
 */
export function deriveKey(key: Uint8Array, purpose: string, ...parts: readonly string[]): Buffer {
  return Buffer.from(hkdfSync("sha256", key, noSalt, infoOf(purpose, ...parts), 32));
}

/** The info of a derivation. Throws `invalid` where it is too long. */
export function infoOf(purpose: string, ...parts: readonly string[]): Buffer {
  const info = Buffer.from(JSON.stringify([`wellapi/${purpose}/v1`, ...parts]));
  if (info.length > MAX_INFO_BYTES) {
    throw new VaultError("invalid", `a label is longer than ${MAX_INFO_BYTES} bytes`);
  }
  return info;
}
