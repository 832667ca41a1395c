import { createHmac, createSecretKey } from "node:crypto";
import { type Kms, openBox, sealBox } from "@wellapi/vault";
import { AccessLogError } from "./errors.ts";

/** Seals leaves while they wait on disk. Synchronous: a leaf is built inside the caller's own commit. */
export interface LeafSealer {
  /** Bytes that open only with the same partition and id. */
  seal(partition: string, id: string, plaintext: Uint8Array): Uint8Array;
  /** The plaintext; throws AccessLogError `tampered`. */
  open(partition: string, id: string, sealed: Uint8Array): Uint8Array;
}

const LAYOUT = 1;
const header = Uint8Array.of(LAYOUT);
/** The key stands for partition and id. */
const nothing = new Uint8Array(0);

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
      return sealBox(keyOf(partition, id), header, nothing, plaintext);
    },
    open(partition, id, sealed) {
      if (sealed[0] !== LAYOUT) throw new AccessLogError("tampered", "a sealed leaf has an unknown layout");
      try {
        return openBox(keyOf(partition, id), header.length, nothing, sealed);
      } catch (cause) {
        throw new AccessLogError("tampered", "a sealed leaf does not open", { cause });
      }
    },
  };
}
