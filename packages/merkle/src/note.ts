import { decodeBase64, encodeBase64 } from "./base64.ts";
import { MerkleError } from "./errors.ts";
import { hexKeyId, isKeyName, type NoteSigner, type NoteVerifier } from "./note-key.ts";

/** One signature line of a note. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  /** Without the key id in front of it. */
  readonly signature: Uint8Array;
}

/** A note of which at least one signature was verified. */
export interface OpenedNote {
  /** Ends in a newline. */
  readonly text: string;
  /** By known keys, each verified; the last signature of each key. */
  readonly verified: readonly NoteSignature[];
  /** By unknown keys: prove nothing. Kept so that a note can be passed on whole. */
  readonly unverified: readonly NoteSignature[];
}

const MAX_NOTE_BYTES = 1_000_000;
const MAX_SIGNATURES = 100;
const KEY_ID_BYTES = 4;
const SIGNATURE_LINE = /^\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)$/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that a note must not have
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;

/**
 * Signs `text` (not empty, ends in a newline) into a C2SP signed note, one line a signer, in order. Throws
 * `note_malformed` if the text cannot be a note's, `invalid_argument` without a signer.
 */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  if (signers.length === 0 || signers.length > MAX_SIGNATURES)
    throw new MerkleError("invalid_argument", "a note has 1 to 100 signers");
  if (!text.endsWith("\n") || !text.isWellFormed() || CONTROL.test(text))
    throw malformed("a note's text ends in a newline and has no other control characters");
  const message = Buffer.from(text, "utf8");
  const lines = signers.map((signer) => {
    const body = new Uint8Array([...uint32Bytes(signer.keyId), ...signer.sign(message)]);
    return `\u2014 ${signer.name} ${encodeBase64(body)}\n`;
  });
  const note = `${text}\n${lines.join("")}`;
  if (Buffer.byteLength(note) > MAX_NOTE_BYTES) throw malformed("the note is above 1,000,000 bytes");
  return note;
}

/**
 * Parses a note and verifies its signatures by the known keys. Safe on hostile input of any size. Throws
 * - `note_malformed`: not a signed note (bad UTF-8, control characters, base64 that is not canonical, anything
 *   after the signatures, above 1,000,000 bytes or 100 signatures);
 * - `signature_invalid`: a known key's signature is wrong, even if another's is right;
 * - `note_unverified`: no signature is by a known key;
 * - `invalid_argument`: two verifiers with one name and key id.
 */
export function openNote(note: Uint8Array | string, verifiers: readonly NoteVerifier[]): OpenedNote {
  const known = new Map<string, NoteVerifier>();
  for (const verifier of verifiers) {
    const key = keyLabel(verifier);
    if (known.has(key)) throw new MerkleError("invalid_argument", `two verifiers for the key ${key}`);
    known.set(key, verifier);
  }
  const { text, signatures } = parseNote(note);
  const message = Buffer.from(text, "utf8");
  const verified = new Map<string, NoteSignature>();
  const unverified: NoteSignature[] = [];
  for (const signature of signatures) {
    const key = keyLabel(signature);
    const verifier = known.get(key);
    if (verifier === undefined) {
      unverified.push(signature);
    } else {
      if (!verifier.verify(message, signature.signature))
        throw new MerkleError("signature_invalid", `the signature by the key ${key} is wrong`);
      verified.set(key, signature);
    }
  }
  if (verified.size === 0)
    throw new MerkleError("note_unverified", "the note has no signature by a known key");
  return { text, verified: [...verified.values()], unverified };
}

function parseNote(note: Uint8Array | string): { text: string; signatures: NoteSignature[] } {
  const whole = decodeNote(note);
  if (CONTROL.test(whole)) throw malformed("the note has control characters");
  const split = whole.lastIndexOf("\n\n");
  if (split < 0 || !whole.endsWith("\n")) throw malformed("the note has no signatures");
  const text = whole.slice(0, split + 1);
  const lines = whole.slice(split + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw malformed("the note has more than 100 signatures");
  return { text, signatures: lines.map(parseSignatureLine) };
}

function decodeNote(note: Uint8Array | string): string {
  const tooLong = () => malformed("the note is above 1,000,000 bytes");
  if (note.length > MAX_NOTE_BYTES) throw tooLong();
  if (typeof note === "string") {
    if (!note.isWellFormed()) throw malformed("the note is not valid Unicode");
    if (Buffer.byteLength(note) > MAX_NOTE_BYTES) throw tooLong();
    return note;
  }
  try {
    // A byte order mark is part of what was signed: keep it.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(note);
  } catch (cause) {
    throw malformed("the note is not valid UTF-8", { cause });
  }
}

function parseSignatureLine(line: string): NoteSignature {
  const [, name = "", encoded = ""] = SIGNATURE_LINE.exec(line) ?? [];
  const body = decodeBase64(encoded);
  if (!isKeyName(name) || body === undefined || body.length <= KEY_ID_BYTES)
    throw malformed("a line after the text is no signature");
  const keyId = new DataView(body.buffer, body.byteOffset).getUint32(0);
  return { name, keyId, signature: body.subarray(KEY_ID_BYTES) };
}

function keyLabel(key: { readonly name: string; readonly keyId: number }): string {
  return `${key.name}+${hexKeyId(key.keyId)}`;
}

function uint32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function malformed(message: string, options?: ErrorOptions): MerkleError {
  return new MerkleError("note_malformed", message, options);
}
