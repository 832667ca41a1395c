import { createHmac, createSecretKey } from "node:crypto";
import { openBox, sealBox, tampered } from "./sealed-box.ts";

/**
 * Seals items that wait on disk for a short time, under a secret of the installation. Synchronous, and without a key of
 * the patient: an item can be opened after the patient's keys are gone.
 */
export interface ItemSealer {
  /** Bytes that open at the same place only. */
  seal(place: readonly string[], plaintext: Uint8Array): Uint8Array;
  /** Throws VaultError `tampered`. */
  open(place: readonly string[], sealed: Uint8Array): Uint8Array;
}

const LAYOUT = 1;
const header = Uint8Array.of(LAYOUT);
/** The key stands for the place. */
const nothing = new Uint8Array(0);

/**
 * A sealer under 32 random bytes, of `kms.derive`. AES-256-GCM; layout: version, nonce, ciphertext, tag.
 *
 * Each item has a key of its own, derived from its place, for two reasons: bytes moved to another place do not open, and
 * no key ever nears the 2^32 messages that random nonces allow.
 */
export function createItemSealer(secret: Uint8Array): ItemSealer {
  // KeyObjects: raw bytes would be made into one at each use, which costs several times the work itself.
  const master = createSecretKey(secret);
  const keyOf = (place: readonly string[]) =>
    createSecretKey(createHmac("sha256", master).update(JSON.stringify(place)).digest());
  return {
    seal: (place, plaintext) => sealBox(keyOf(place), header, nothing, plaintext),
    open(place, sealed) {
      if (sealed[0] !== LAYOUT) throw tampered();
      return openBox(keyOf(place), header.length, nothing, sealed);
    },
  };
}
