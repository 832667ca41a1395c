import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes } from "node:crypto";
import type { Kms } from "@wellapi/vault";
import { AccessLogError } from "./errors.ts";

/** Seals leaves while they wait on disk. Synchronous: a leaf is built inside the caller's own commit. */
export interface LeafSealer {
  /** Bytes that open only with the same partition and id. */
  seal(partition: string, id: string, plaintext: Uint8Array): Uint8Array;
  /** The plaintext; throws AccessLogError `tampered`. */
  open(partition: string, id: string, sealed: Uint8Array): Uint8Array;
}

const LAYOUT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A sealer under a key that the KMS derives for `service`. AES-256-GCM; layout: version, nonce, ciphertext, tag.
 *
 * Each leaf has a key of its own, derived from its partition and id, for two reasons: bytes moved to another
 * leaf do not open, and no key ever nears the 2^32 messages that random nonces allow.
 */
export async function createLeafSealer(deps: {
  readonly kms: Kms;
  readonly service: string;
}): Promise<LeafSealer> {
  // KeyObjects: raw bytes would be made into one at each use, which costs several times the work itself.
  const master = createSecretKey(await deps.kms.derive(`access-log/${deps.service}/leaves`));
  const keyOf = (partition: string, id: string) =>
    createSecretKey(
      createHmac("sha256", master)
        .update(JSON.stringify([partition, id]))
        .digest(),
    );

  return {
    seal(partition, id, plaintext) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", keyOf(partition, id), nonce);
      const head = Uint8Array.of(LAYOUT, ...nonce);
      const parts = [head, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
      return new Uint8Array(Buffer.concat(parts));
    },
    open(partition, id, sealed) {
      const end = sealed.length - TAG_BYTES;
      if (sealed[0] !== LAYOUT || end < 1 + NONCE_BYTES)
        throw new AccessLogError("tampered", "a sealed leaf has an unknown layout");
      try {
        const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
        const decipher = createDecipheriv("aes-256-gcm", keyOf(partition, id), nonce);
        decipher.setAuthTag(sealed.subarray(end));
        const plaintext = [decipher.update(sealed.subarray(1 + NONCE_BYTES, end)), decipher.final()];
        return new Uint8Array(Buffer.concat(plaintext));
      } catch (cause) {
        throw new AccessLogError("tampered", "a sealed leaf does not open", { cause });
      }
    },
  };
}
