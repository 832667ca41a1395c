import { deriveKey } from "./derivation.ts";
import { VaultError } from "./errors.ts";
import { type KeyFile, readOrCreateKeyFile, type WrappingKey } from "./key-file.ts";
import type { OpenKms } from "./port.ts";
import { openBox, sealBox, tampered } from "./sealed-box.ts";

const KEY_BYTES = 32;
/** Header of boxes by key number 0: one byte. Boxes by other keys have a byte of 2, then the key's number. */
const FIRST = 1;
const NUMBERED = 2;
const NUMBERED_BYTES = 5;

/**
 * A KMS over one file of keys, whose only other copy lies apart from the data and its backups. Wrapped keys are AES-256-GCM boxes (header, nonce, ciphertext, tag: 61 bytes or 65)
 * with the header and the context as associated data. Wrapping and deriving use separate keys. `masterKey` adds and
 * retires wrapping keys; derived keys stay the same.
 */
export async function openLocalKms(file: KeyFile): Promise<OpenKms> {
  const { root, wrapping } = await readOrCreateKeyFile(file);
  const keys = new Map(wrapping.map((key) => [key.number, wrappingKeyOf(root, key)]));
  const current = wrapping.at(-1)!.number;
  let closed = false;

  const checkOpen = () => {
    if (closed) throw new VaultError("unavailable", "the KMS is closed");
  };

  const kms: OpenKms = {
    async wrap(key, context) {
      checkOpen();
      if (key.length !== KEY_BYTES) throw new VaultError("invalid", `a key has ${KEY_BYTES} bytes`);
      const header = headerOf(current);
      return sealBox(keys.get(current)!, header, associate(header, context), key);
    },
    async unwrap(wrapped, context) {
      checkOpen();
      const header = headerIn(wrapped);
      const key = keys.get(numberIn(header));
      // Either another process has replaced the file, or the key was retired too early.
      if (!key)
        throw new VaultError("unavailable", "it was wrapped by a master key that the key file does not have");
      return openBox(key, header.length, associate(header, context), wrapped);
    },
    async rewrap(wrapped, context) {
      if (numberIn(headerIn(wrapped)) === current) return undefined;
      const key = await kms.unwrap(wrapped, context);
      const rewrapped = await kms.wrap(key, context);
      key.fill(0);
      return rewrapped;
    },
    async derive(label) {
      checkOpen();
      return new Uint8Array(deriveKey(root, "kms/derive", label));
    },
    async close() {
      closed = true;
      root.fill(0);
      for (const key of keys.values()) key.fill(0);
    },
  };
  return kms;
}

function wrappingKeyOf(root: Buffer, { number, bytes }: WrappingKey): Buffer {
  return number === 0 ? deriveKey(root, "kms/wrap") : bytes;
}

function headerOf(number: number): Uint8Array {
  if (number === 0) return Uint8Array.of(FIRST);
  const header = Buffer.alloc(NUMBERED_BYTES, NUMBERED);
  header.writeUInt32BE(number, 1);
  return header;
}

function headerIn(wrapped: Uint8Array): Uint8Array {
  if (wrapped[0] === FIRST) return wrapped.subarray(0, 1);
  if (wrapped[0] === NUMBERED && wrapped.length > NUMBERED_BYTES) return wrapped.subarray(0, NUMBERED_BYTES);
  throw tampered();
}

function numberIn(header: Uint8Array): number {
  return header.length === 1 ? 0 : new DataView(header.buffer, header.byteOffset).getUint32(1);
}

function associate(header: Uint8Array, context: string): Uint8Array {
  return Buffer.concat([header, Buffer.from(context)]);
}
