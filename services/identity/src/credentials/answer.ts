import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { openBox, sealBox } from "@wellapi/vault";

/** The call and the caller: the same again within a day is one request (AIP-155). */
export interface Asking {
  /** Id of the principal. */
  readonly creator: string;
  /** Full name of the RPC. */
  readonly method: string;
  /** A random UUID, by contract. It is stored nowhere, neither in clear nor in the log. */
  readonly requestId: string;
  /** Bytes of the request. */
  readonly content: Uint8Array;
}

/**
 * Seals the answer to one request. The key takes two secrets: the installation's, and the request's id, which only
 * the caller has. So a copy of the disk opens nothing, not even together with the master key.
 */
export interface AnswerSealer {
  /** Where the answer is stored: reveals neither the request's id nor the caller. */
  id(asking: Asking): string;
  seal(asking: Asking, answer: Uint8Array): Uint8Array;
  /** The answer; undefined where the request had another content. Throws VaultError `tampered`. */
  open(asking: Asking, sealed: Uint8Array): Uint8Array | undefined;
}

const KEY_BYTES = 32;
const noSalt = new Uint8Array();

/** `secret` is 32 bytes that only this installation has. */
export function createAnswerSealer(secret: Uint8Array): AnswerSealer {
  /** All come from one derivation, so none of them can be derived without the request's id. */
  function derive({ creator, method, requestId }: Asking) {
    const info = JSON.stringify(["wellapi/answers/v1", creator, method, requestId]);
    const bytes = Buffer.from(hkdfSync("sha256", secret, noSalt, info, 3 * KEY_BYTES));
    return {
      id: bytes.subarray(0, KEY_BYTES),
      key: bytes.subarray(KEY_BYTES, 2 * KEY_BYTES),
      contentKey: bytes.subarray(2 * KEY_BYTES),
    };
  }
  const digest = (key: Uint8Array, content: Uint8Array) => createHmac("sha256", key).update(content).digest();

  return {
    id: (asking) => derive(asking).id.toString("base64url"),
    seal(asking, answer) {
      const { id, key, contentKey } = derive(asking);
      return sealBox(key, noSalt, id, Buffer.concat([digest(contentKey, asking.content), answer]));
    },
    open(asking, sealed) {
      const { id, key, contentKey } = derive(asking);
      const plaintext = openBox(key, 0, id, sealed);
      const same = timingSafeEqual(plaintext.subarray(0, KEY_BYTES), digest(contentKey, asking.content));
      return same ? plaintext.subarray(KEY_BYTES) : undefined;
    },
  };
}
