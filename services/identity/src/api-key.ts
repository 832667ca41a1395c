import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/** Secret scanners find keys by it. */
const PREFIX = "wellapi_sk_";
const SECRET = /^wellapi_sk_[A-Za-z0-9_-]{43}/;
const CHECKSUM_CHARACTERS = 6;
const KEY_LENGTH = PREFIX.length + 43 + CHECKSUM_CHARACTERS;
/** Enough to tell one's keys apart, and 24 bits of 256. */
const HINT_CHARACTERS = PREFIX.length + 4;

/**
 * A new key: `wellapi_sk_`, 32 random bytes in base64url, and the CRC-32 of all that in 6 characters, by which a
 * scanner tells a real key from a look-alike without asking us.
 */
export function newApiKey(): string {
  const text = PREFIX + randomBytes(32).toString("base64url");
  return text + checksum(text);
}

/** False for what no installation has made. Spares the store a lookup; proves nothing. */
export function looksLikeApiKey(text: string): boolean {
  if (text.length !== KEY_LENGTH || !SECRET.test(text)) return false;
  return checksum(text.slice(0, -CHECKSUM_CHARACTERS)) === text.slice(-CHECKSUM_CHARACTERS);
}

/**
 * What is stored and looked up. A plain hash serves, for the key is random, not a password; and a lookup by hash
 * tells by its timing nothing that helps to guess a key.
 */
export function apiKeyFingerprint(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

export function apiKeyHint(key: string): string {
  return key.slice(0, HINT_CHARACTERS);
}

function checksum(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return bytes.toString("base64url");
}
