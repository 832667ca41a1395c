import { infoOf } from "./derivation.ts";
import { VaultError } from "./errors.ts";
import { openPkcs11Token, type Pkcs11Options } from "./pkcs11-token.ts";
import type { OpenKms } from "./port.ts";
import { randomFromPool } from "./random-pool.ts";
import { tampered } from "./sealed-box.ts";

export interface Pkcs11KmsOptions extends Pkcs11Options {
  /** Makes the keys where the token has none: at the first start only. */
  readonly create: boolean;
}

export interface Pkcs11Kms extends OpenKms {
  /**
   * Adds a wrapping key, which wraps from now on; the previous one still unwraps. Where there are two already, a rotation
   * is under way and nothing is added. Returns the number of the one in use.
   */
  addWrappingKey(): Promise<number>;
  /** Destroys every wrapping key but the one in use. Returns their numbers. */
  retireWrappingKeys(): Promise<readonly number[]>;
}

const ROOT = "wellapi root";
const WRAPPING = "wellapi wrapping";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** A byte of 3, and the wrapping key's number. Boxes of key files begin with 1 or 2. */
const HEADER_BYTES = 5;
const PKCS11 = 3;
const BOX_BYTES = HEADER_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES;

/**
 * A KMS over a token behind PKCS #11, whose keys never leave it. Wrapped keys are AES-256-GCM boxes (header, nonce,
 * ciphertext, tag: 65 bytes) with header and context as associated data. Derived keys are HKDF-Expand (RFC 5869) of the
 * root, whose one block the token computes. Calls do not wait: a token that is far away holds up the process.
 */
export async function openPkcs11Kms(options: Pkcs11KmsOptions): Promise<Pkcs11Kms> {
  const token = openPkcs11Token(options);
  if (options.create) {
    // Each by itself: a first start may have ended between the two.
    if (token.find(WRAPPING).size === 0) token.generate(WRAPPING, 1, "aes");
    if (token.find(ROOT).size === 0) token.generate(ROOT, 0, "hmac");
  }
  const wrapping = new Map(token.find(WRAPPING));
  const [root] = token.find(ROOT).values();
  if (root === undefined || wrapping.size === 0) {
    token.close();
    throw new VaultError(
      "invalid",
      `the token ${options.token} holds no master key: insert the one that does`,
    );
  }
  let current = Math.max(...wrapping.keys());
  let closed = false;
  const checkOpen = () => {
    if (closed) throw new VaultError("unavailable", "the KMS is closed");
  };

  const kms: Pkcs11Kms = {
    async wrap(key, context) {
      checkOpen();
      if (key.length !== KEY_BYTES) throw new VaultError("invalid", `a key has ${KEY_BYTES} bytes`);
      const header = headerOf(current);
      const nonce = randomFromPool(NONCE_BYTES);
      const sealed = token.encrypt(wrapping.get(current)!, nonce, associate(header, context), key);
      return new Uint8Array(Buffer.concat([header, nonce, sealed]));
    },
    async unwrap(wrapped, context) {
      checkOpen();
      const key = wrapping.get(numberIn(wrapped));
      if (key === undefined) {
        throw new VaultError("unavailable", "it was wrapped by a master key that the token does not have");
      }
      const nonce = wrapped.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
      const associated = associate(wrapped.subarray(0, HEADER_BYTES), context);
      const opened = token.decrypt(key, nonce, associated, wrapped.subarray(HEADER_BYTES + NONCE_BYTES));
      return new Uint8Array(opened);
    },
    async rewrap(wrapped, context) {
      if (numberIn(wrapped) === current) return undefined;
      const key = await kms.unwrap(wrapped, context);
      const rewrapped = await kms.wrap(key, context);
      key.fill(0);
      return rewrapped;
    },
    async derive(label) {
      checkOpen();
      return new Uint8Array(token.mac(root, Buffer.concat([infoOf("kms/derive", label), Uint8Array.of(1)])));
    },
    async addWrappingKey() {
      checkOpen();
      if (wrapping.size > 1) return current;
      wrapping.set(current + 1, token.generate(WRAPPING, current + 1, "aes"));
      current += 1;
      return current;
    },
    async retireWrappingKeys() {
      checkOpen();
      const retired = [...wrapping.keys()].filter((number) => number !== current);
      for (const number of retired) {
        token.destroy(wrapping.get(number)!);
        wrapping.delete(number);
      }
      return retired;
    },
    async close() {
      if (closed) return;
      closed = true;
      token.close();
    },
  };
  return kms;
}

function headerOf(number: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES, PKCS11);
  header.writeUInt32BE(number, 1);
  return header;
}

function numberIn(wrapped: Uint8Array): number {
  if (wrapped[0] !== PKCS11 || wrapped.length !== BOX_BYTES) throw tampered();
  return new DataView(wrapped.buffer, wrapped.byteOffset).getUint32(1);
}

function associate(header: Uint8Array, context: string): Uint8Array {
  return Buffer.concat([header, Buffer.from(context)]);
}
