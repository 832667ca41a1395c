import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { openBox, sealBox } from "@wellapi/vault";

/** Which call asks: the same again within a day is one request (AIP-155). */
export interface Asking {
  /** Id of the principal. */
  readonly creator: string;
  /** Full name of the RPC. */
  readonly method: string;
  /** A random UUID, by contract. It is written down nowhere, neither in clear nor in the log. */
  readonly requestId: string;
  /** Bytes of the request. */
  readonly content: Uint8Array;
}

/**
 * Seals the answer to one request. The key takes two secrets: the installation's, and the request's id, which only who
 * asked has. So a copy of the disk opens nothing, not even together with the master key.
 */
export interface AnswerSealer {
  /** Where the answer lies: tells neither the request's id nor who asked. */
  id(asking: Asking): string;
  seal(asking: Asking, answer: Uint8Array): Uint8Array;
  /** The answer; undefined where the request had other content. Throws VaultError `tampered`. */
  open(asking: Asking, sealed: Uint8Array): Uint8Array | undefined;
}

const DIGEST_BYTES = 32;
const noSalt = new Uint8Array();

/** `secret` is 32 bytes that only this installation has. */
export function createAnswerSealer(secret: Uint8Array): AnswerSealer {
  const derived = (use: string, { creator, method, requestId }: Asking) =>
    Buffer.from(
      hkdfSync(
        "sha256",
        secret,
        noSalt,
        JSON.stringify([`wellapi/answers/${use}/v1`, creator, method, requestId]),
        32,
      ),
    );
  const id = (asking: Asking) => derived("id", asking).toString("base64url");
  const digest = (asking: Asking) =>
    createHmac("sha256", derived("content", asking)).update(asking.content).digest();

  return {
    id,
    seal(asking, answer) {
      const plaintext = Buffer.concat([digest(asking), answer]);
      return sealBox(derived("key", asking), noSalt, Buffer.from(id(asking)), plaintext);
    },
    open(asking, sealed) {
      const plaintext = openBox(derived("key", asking), 0, Buffer.from(id(asking)), sealed);
      if (!timingSafeEqual(plaintext.subarray(0, DIGEST_BYTES), digest(asking))) return undefined;
      return plaintext.subarray(DIGEST_BYTES);
    },
  };
}
