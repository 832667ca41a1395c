import { crc32 } from "node:zlib";
import { newSecret } from "../secret.ts";

/** The prefix by which secret scanners find keys. */
const PREFIX = "wellapi_sk_";
const SECRET = /^wellapi_sk_[A-Za-z0-9_-]{43}/;
const CHECKSUM_CHARACTERS = 6;
const KEY_LENGTH = PREFIX.length + 43 + CHECKSUM_CHARACTERS;
/** Enough to distinguish the keys of one owner, and 24 bits of 256. */
const HINT_CHARACTERS = PREFIX.length + 4;

/**
 * A new key: `wellapi_sk_`, 32 random bytes in base64url, and the CRC-32 of all that in 6 characters, by which a
 * scanner recognises a real key without a call to us.
 */
export function newApiKey(): string {
  const text = PREFIX + newSecret();
  return text + checksum(text);
}

/** False for a text that is not a key of any installation. Spares the store a lookup; proves nothing. */
export function looksLikeApiKey(text: string): boolean {
  if (text.length !== KEY_LENGTH || !SECRET.test(text)) return false;
  return checksum(text.slice(0, -CHECKSUM_CHARACTERS)) === text.slice(-CHECKSUM_CHARACTERS);
}

export function apiKeyHint(key: string): string {
  return key.slice(0, HINT_CHARACTERS);
}

function checksum(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return bytes.toString("base64url");
}
