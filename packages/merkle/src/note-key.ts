import { createPublicKey, hash, type KeyObject, sign, verify } from "node:crypto";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { MerkleError } from "./errors.ts";

/** Checks one key's signatures on notes. */
export interface NoteVerifier {
  readonly name: string;
  /** The uint32 that stands before the signature; with the name it identifies the key. No security rests on it. */
  readonly keyId: number;
  /** False, never an error, on any signature that is not this key's on `message`. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** Signs notes with one key. */
export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  /** The public half, to publish: `name+keyid+base64`. */
  readonly verifierKey: string;
  sign(message: Uint8Array): Uint8Array;
}

const ED25519_TYPE = 0x01;
const ED25519_KEY_BYTES = 32;
/** What stands before the key in its SubjectPublicKeyInfo (RFC 8410, section 4). */
const ED25519_SPKI = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);
const VERIFIER_KEY = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that a note must not have
const NAME_FORBIDDEN = /[\p{White_Space}\u0000-\u001f+]/u;

/** True for a key name that C2SP signed-note allows: not empty, well-formed, no white space, no `+`. */
export function isKeyName(name: string): boolean {
  return name !== "" && name.isWellFormed() && !NAME_FORBIDDEN.test(name);
}

/**
 * Reads an Ed25519 verifier key, `name+keyid+base64(0x01 || public key)` as golang.org/x/mod/sumdb/note writes
 * it. Throws `key_invalid` if anything disagrees, the key id included.
 */
export function parseVerifierKey(text: string): NoteVerifier {
  const [, name = "", keyId = "", encoded = ""] = VERIFIER_KEY.exec(text) ?? [];
  const typed = decodeBase64(encoded);
  if (!isKeyName(name) || typed?.length !== 1 + ED25519_KEY_BYTES || typed[0] !== ED25519_TYPE)
    throw new MerkleError("key_invalid", "not an Ed25519 verifier key");
  if (hexKeyId(noteKeyId(name, typed.subarray(1))) !== keyId)
    throw new MerkleError("key_invalid", "the verifier key's id does not belong to its name and key");
  return createNoteVerifier(name, typed.subarray(1));
}

/** A verifier for a raw Ed25519 public key of 32 bytes. Throws `key_invalid`. */
export function createNoteVerifier(name: string, publicKey: Uint8Array): NoteVerifier {
  assertKeyName(name);
  if (publicKey.length !== ED25519_KEY_BYTES)
    throw new MerkleError("key_invalid", "an Ed25519 public key has 32 bytes");
  // In DER, which the patient's browser can make, too: its Buffer knows no base64url.
  const der = Buffer.concat([ED25519_SPKI, publicKey]);
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  return {
    name,
    keyId: noteKeyId(name, publicKey),
    verify: (message, signature) => verify(null, message, key, signature),
  };
}

/** A signer with an Ed25519 private key. Throws `key_invalid` for any other key or an impossible name. */
export function createNoteSigner(name: string, privateKey: KeyObject): NoteSigner {
  assertKeyName(name);
  if (privateKey.type !== "private" || privateKey.asymmetricKeyType !== "ed25519")
    throw new MerkleError("key_invalid", "notes are signed with an Ed25519 private key");
  const publicKey = rawPublicKey(privateKey);
  return {
    name,
    keyId: noteKeyId(name, publicKey),
    verifierKey: formatVerifierKey(name, publicKey),
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  };
}

/** `name+keyid+base64(0x01 || public key)` for a raw Ed25519 public key of 32 bytes. */
export function formatVerifierKey(name: string, publicKey: Uint8Array): string {
  const typed = new Uint8Array(1 + publicKey.length);
  typed[0] = ED25519_TYPE;
  typed.set(publicKey, 1);
  return `${name}+${hexKeyId(noteKeyId(name, publicKey))}+${encodeBase64(typed)}`;
}

/** SHA-256(name || 0x0A || 0x01 || public key), the first four bytes as a big-endian uint32. */
export function noteKeyId(name: string, publicKey: Uint8Array): number {
  const input = Buffer.concat([Buffer.from(name, "utf8"), Uint8Array.of(0x0a, ED25519_TYPE), publicKey]);
  return hash("sha256", input, "buffer").readUInt32BE(0);
}

/** The key id as it is written: eight lower-case hex digits. */
export function hexKeyId(keyId: number): string {
  return keyId.toString(16).padStart(8, "0");
}

function rawPublicKey(privateKey: KeyObject): Uint8Array {
  const { x = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  return new Uint8Array(Buffer.from(x, "base64url"));
}

function assertKeyName(name: string): void {
  if (!isKeyName(name))
    throw new MerkleError("key_invalid", "a key name is not empty and has no white space and no +");
}
