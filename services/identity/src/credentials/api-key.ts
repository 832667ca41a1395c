import { crc32 } from "node:zlib";
import { newSecret } from "../secret.ts";

/** `test`: of a sandbox, which is seen at the key, and good for nothing elsewhere. */
export type KeyUse = "live" | "test";

/** The prefixes by which secret scanners find keys. */
const PREFIXES: Readonly<Record<KeyUse, string>> = { live: "wellapi_sk_", test: "wellapi_sk_test_" };
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const SECRET_CHARACTERS = 43;
const CHECKSUM_CHARACTERS = 6;
/** Of the secret: enough to distinguish the keys of one owner, and 24 bits of 256. */
const HINT_CHARACTERS = 4;

/**
 * A new key: `wellapi_sk_`, or `wellapi_sk_test_`, 32 random bytes in base64url, and the CRC-32 of all that in 6 characters, by
 * which a scanner recognises a real key without a call to us.
 */
export function newApiKey(use: KeyUse): string {
  const text = PREFIXES[use] + newSecret();
  return text + checksum(text);
}

/** Undefined for a text that is not a key of any installation. Spares the store a lookup; proves nothing. */
export function useOfApiKey(text: string): KeyUse | undefined {
  const use = useByLength(text);
  const secret = text.slice(use && PREFIXES[use].length, -CHECKSUM_CHARACTERS);
  if (use === undefined || !text.startsWith(PREFIXES[use]) || !SECRET.test(secret)) return undefined;
  return checksum(text.slice(0, -CHECKSUM_CHARACTERS)) === text.slice(-CHECKSUM_CHARACTERS) ? use : undefined;
}

export function apiKeyHint(key: string): string {
  return key.slice(0, PREFIXES[useByLength(key) ?? "live"].length + HINT_CHARACTERS);
}

/** The secret of a live key may begin with `test_` by chance. */
function useByLength({ length }: string): KeyUse | undefined {
  const secretLength = SECRET_CHARACTERS + CHECKSUM_CHARACTERS;
  if (length === PREFIXES.live.length + secretLength) return "live";
  return length === PREFIXES.test.length + secretLength ? "test" : undefined;
}

function checksum(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return bytes.toString("base64url");
}
