import { deriveKey } from "./derivation.ts";
import { VaultError } from "./errors.ts";
import { readOrCreateKeyFile } from "./key-file.ts";
import type { Kms } from "./port.ts";
import { openBox, sealBox, tampered } from "./sealed-box.ts";

export interface LocalKmsOptions {
  /** The key file. Keep its only other copy apart from the data and its backups. */
  readonly path: string;
}

export interface LocalKms extends Kms {
  /** Overwrites the master key in memory. */
  close(): Promise<void>;
}

const KEY_BYTES = 32;
const header = Uint8Array.of(1);

/**
 * A KMS over one 32-byte file. Wrapped keys are AES-256-GCM boxes (version, nonce, ciphertext, tag: 61 bytes)
 * with the version and the context as associated data. Wrapping and deriving use keys of their own, derived
 * from the file's.
 */
export async function openLocalKms({ path }: LocalKmsOptions): Promise<LocalKms> {
  const master = await readOrCreateKeyFile(path);
  const wrapping = deriveKey(master, "kms/wrap");
  let closed = false;

  const checkOpen = () => {
    if (closed) throw new VaultError("unavailable", "the KMS is closed");
  };

  return {
    async wrap(key, context) {
      checkOpen();
      if (key.length !== KEY_BYTES) throw new VaultError("invalid", `a key has ${KEY_BYTES} bytes`);
      return sealBox(wrapping, header, associate(context), key);
    },
    async unwrap(wrapped, context) {
      checkOpen();
      if (wrapped[0] !== header[0]) throw tampered();
      return openBox(wrapping, header.length, associate(context), wrapped);
    },
    async derive(label) {
      checkOpen();
      return new Uint8Array(deriveKey(master, "kms/derive", label));
    },
    async close() {
      closed = true;
      master.fill(0);
      wrapping.fill(0);
    },
  };
}

function associate(context: string): Uint8Array {
  return Buffer.concat([header, Buffer.from(context)]);
}
