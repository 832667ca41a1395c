import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";
import { VaultError } from "./errors.ts";
import { randomFromPool } from "./random-pool.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** How many bytes a box is longer than its plaintext. */
export const BOX_OVERHEAD = NONCE_BYTES + TAG_BYTES;

/**
 * AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce: `header ‖ nonce ‖ ciphertext ‖ tag`. The header
 * travels in clear; callers put it into the associated data.
 */
export function sealBox(
  key: KeyObject | Uint8Array,
  header: Uint8Array,
  associated: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const nonce = randomFromPool(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(associated);
  // Allocated, not pooled: callers transfer what they get to other threads.
  const box = new Uint8Array(header.length + BOX_OVERHEAD + plaintext.length);
  box.set(header);
  box.set(nonce, header.length);
  box.set(cipher.update(plaintext), header.length + NONCE_BYTES);
  cipher.final();
  box.set(cipher.getAuthTag(), box.length - TAG_BYTES);
  return box;
}

/** The plaintext of a box whose header has `headerBytes` bytes. Throws `tampered`. */
export function openBox(
  key: KeyObject | Uint8Array,
  headerBytes: number,
  associated: Uint8Array,
  box: Uint8Array,
): Uint8Array {
  if (box.length < headerBytes + BOX_OVERHEAD) throw tampered();
  const start = headerBytes + NONCE_BYTES;
  const end = box.length - TAG_BYTES;
  const decipher = createDecipheriv("aes-256-gcm", key, box.subarray(headerBytes, start), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(associated).setAuthTag(box.subarray(end));
  const plaintext = new Uint8Array(end - start);
  plaintext.set(decipher.update(box.subarray(start, end)));
  try {
    decipher.final();
  } catch (cause) {
    plaintext.fill(0);
    throw tampered({ cause });
  }
  return plaintext;
}

export function tampered(options?: ErrorOptions): VaultError {
  return new VaultError("tampered", "the sealed bytes do not open with this key in this context", options);
}
