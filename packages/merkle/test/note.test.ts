import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createNoteSigner,
  createNoteVerifier,
  MerkleError,
  type MerkleErrorCode,
  openNote,
  parseVerifierKey,
  signNote,
} from "../src/index.ts";
import { unhex } from "./reference-tree.ts";

// The example of golang.org/x/mod/sumdb/note: its documentation and note_test.go.
const PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const ENOCH_KEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const PETER_SIG =
  "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const ENOCH_SIG =
  "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";
const BAD_ENOCH_SIG = `${ENOCH_SIG.slice(0, 60)}ABCD${ENOCH_SIG.slice(60)}`;

const peter = parseVerifierKey(PETER_KEY);
const enoch = parseVerifierKey(ENOCH_KEY);

function code(expected: MerkleErrorCode) {
  return expect.objectContaining({ name: "MerkleError", code: expected });
}

function names(signatures: readonly { readonly name: string }[]): string[] {
  return signatures.map((signature) => signature.name);
}

describe("the published note", () => {
  test("verifies, with known and unknown signatures told apart", () => {
    const one = openNote(`${TEXT}\n${PETER_SIG}${ENOCH_SIG}`, [peter]);
    expect(one.text).toBe(TEXT);
    expect(names(one.verified)).toEqual(["PeterNeumann"]);
    expect(names(one.unverified)).toEqual(["EnochRoot"]);
    expect(one.verified[0]).toMatchObject({ keyId: 0xc74f20a3 });
    const both = openNote(Buffer.from(`${TEXT}\n${PETER_SIG}${ENOCH_SIG}`), [enoch, peter]);
    expect(names(both.verified)).toEqual(["PeterNeumann", "EnochRoot"]);
  });

  test("is what the published private key signs", () => {
    // PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz, without its type byte.
    const seed = Buffer.from("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz", "base64").subarray(1);
    const signer = createNoteSigner("PeterNeumann", ed25519PrivateKey(seed));
    expect(signer.verifierKey).toBe(PETER_KEY);
    expect(signNote(TEXT, [signer])).toBe(`${TEXT}\n${PETER_SIG}`);
  });

  test("a wrong signature by a known key spoils the note, by an unknown one is ignored", () => {
    expect(() => openNote(`${TEXT}\n${PETER_SIG}${BAD_ENOCH_SIG}`, [peter, enoch])).toThrow(
      code("signature_invalid"),
    );
    expect(names(openNote(`${TEXT}\n${PETER_SIG}${BAD_ENOCH_SIG}`, [peter]).unverified)).toEqual([
      "EnochRoot",
    ]);
    expect(() => openNote(`${TEXT.replace("your", "my")}\n${PETER_SIG}`, [peter])).toThrow(
      code("signature_invalid"),
    );
  });

  test("a right signature does not make up for a wrong one by the same key", () => {
    const wrong = PETER_SIG.replace("ZJku", "ZJkv");
    for (const signatures of [PETER_SIG + wrong, wrong + PETER_SIG])
      expect(() => openNote(`${TEXT}\n${signatures}`, [peter])).toThrow(code("signature_invalid"));
  });

  test("no known key, the key's name with another id, two keys alike", () => {
    const namesake = createNoteVerifier("PeterNeumann", new Uint8Array(32).fill(9));
    expect(() => openNote(`${TEXT}\n${PETER_SIG}`, [])).toThrow(code("note_unverified"));
    expect(() => openNote(`${TEXT}\n${PETER_SIG}`, [enoch, namesake])).toThrow(code("note_unverified"));
    expect(() => openNote(`${TEXT}\n${PETER_SIG}`, [peter, peter])).toThrow(code("invalid_argument"));
  });

  test("a repeated signature counts once, a hundred lines are the limit", () => {
    expect(openNote(`${TEXT}\n${PETER_SIG.repeat(100)}`, [peter]).verified).toHaveLength(1);
    expect(() => openNote(`${TEXT}\n${PETER_SIG.repeat(101)}`, [peter])).toThrow(code("note_malformed"));
  });
});

test.each([
  ["empty", ""],
  ["no signature", TEXT],
  ["no signature line", `${TEXT}\n`],
  ["no last newline", `${TEXT}\n${PETER_SIG.slice(0, -1)}`],
  ["another character for the last newline", `${TEXT}\n${PETER_SIG.slice(0, -1)}x`],
  ["a line after the signatures", `${TEXT}\n${PETER_SIG}Unexpected line.\n`],
  ["an empty line after the signatures", `${TEXT}\n${PETER_SIG}\n`],
  ["a control character", `\u0001${TEXT}\n${PETER_SIG}`],
  ["a carriage return", `${TEXT}\n${PETER_SIG}`.replaceAll("\n", "\r\n")],
  ["a lone surrogate", `\ud800${TEXT}\n${PETER_SIG}`],
  ["invalid UTF-8", Buffer.concat([Uint8Array.of(0xff), Buffer.from(`${TEXT}\n${PETER_SIG}`)])],
  ["a space in the name", `${TEXT}\n${PETER_SIG.replace("PeterNeumann", "Peter Neumann")}`],
  ["another space in the name", `${TEXT}\n${PETER_SIG.replace("PeterNeumann", "Peter\u00a0Neumann")}`],
  ["a plus in the name", `${TEXT}\n${PETER_SIG.replace("PeterNeumann", "Peter+Neumann")}`],
  ["a hyphen for the dash", `${TEXT}\n${PETER_SIG.replace("—", "-")}`],
  ["a character before the dash", `${TEXT}\nx${PETER_SIG}`],
  ["two spaces", `${TEXT}\n${PETER_SIG.replace("Neumann ", "Neumann  ")}`],
  ["a space at the end", `${TEXT}\n${PETER_SIG.replace("\n", " \n")}`],
  ["base64 without padding", `${TEXT}\n${PETER_SIG.replace("=", "")}`],
  ["base64 with stray bits", `${TEXT}\n${PETER_SIG.replace("AM=", "AN=")}`],
  ["base64 of the URL alphabet", `${TEXT}\n${PETER_SIG.replaceAll("/", "_")}`],
  ["a key id and nothing more", `${TEXT}\n— PeterNeumann x08gow==\n`],
  ["more than a megabyte", Buffer.from(`${"x".repeat(1_000_000)}\n\n${PETER_SIG}`)],
  ["more than a megabyte of UTF-8", `${"é".repeat(500_000)}\n\n${PETER_SIG}`],
])("a note with %s is malformed", (_, note) => {
  expect(() => openNote(note, [peter])).toThrow(code("note_malformed"));
});

test("any changed byte of a note is noticed", () => {
  const note = Buffer.from(`${TEXT}\n${PETER_SIG}`);
  const noticed = ["note_malformed", "note_unverified", "signature_invalid"];
  for (let at = 0; at < note.length; at++) {
    const changed = Buffer.from(note);
    changed[at] = changed[at]! ^ 1;
    expect(() => openNote(changed, [peter])).toThrow(
      expect.objectContaining({ code: expect.toBeOneOf(noticed) }),
    );
  }
});

describe("signing", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const signer = createNoteSigner("example.com/log", privateKey);
  const verifier = parseVerifierKey(signer.verifierKey);

  test("what is signed opens, blank lines and other scripts included", () => {
    const line = fc.string({ unit: "grapheme", maxLength: 20 }).map((s) => s.replaceAll(/\p{Cc}/gu, ""));
    const other = createNoteSigner("другой", generateKeyPairSync("ed25519").privateKey);
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 5 }), (lines) => {
        const text = lines.map((l) => `${l}\n`).join("");
        const opened = openNote(Buffer.from(signNote(text, [other, signer])), [verifier]);
        expect(opened.text).toBe(text);
        expect(names(opened.unverified)).toEqual(["другой"]);
      }),
      { numRuns: 50 },
    );
  });

  test("a byte order mark is part of the text", () => {
    const opened = openNote(Buffer.from(signNote("\ufeffhi\n", [signer])), [verifier]);
    expect(opened.text).toBe("\ufeffhi\n");
  });

  test.each(["", "no newline", "bell\u0007\n", "lone \ud800\n", `${"x".repeat(1_000_000)}\n`])(
    "refuses a text that no note can have (%#)",
    (text) => {
      expect(() => signNote(text, [signer])).toThrow(code("note_malformed"));
    },
  );

  test("a note of a million bytes is one, of a byte more it is none, for whoever signs and whoever opens", () => {
    const overhead = Buffer.byteLength(signNote("\n", [signer])) - 1;
    const textOf = (length: number) => `${"x".repeat(length - 1)}\n`;
    const longest = signNote(textOf(1_000_000 - overhead), [signer]);
    expect(Buffer.byteLength(longest)).toBe(1_000_000);
    expect(openNote(longest, [verifier]).verified).toHaveLength(1);
    expect(openNote(Buffer.from(longest), [verifier]).verified).toHaveLength(1);
    expect(() => signNote(textOf(1_000_001 - overhead), [signer])).toThrow(code("note_malformed"));
    for (const longer of [`x${longest}`, Buffer.from(`x${longest}`)])
      expect(() => openNote(longer, [verifier])).toThrow(code("note_malformed"));
  });

  test("an empty line is a text, and no line at all is none, though somebody signs it", () => {
    expect(openNote(signNote("\n", [signer]), [verifier]).text).toBe("\n");
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(signer.keyId);
    const encoded = Buffer.concat([bytes, signer.sign(new Uint8Array(0))]).toString("base64");
    expect(() => openNote(`\n\u2014 ${signer.name} ${encoded}\n`, [verifier])).toThrow(
      code("note_malformed"),
    );
  });

  test("what is no UTF-8 is told with its cause", () => {
    expect(() => openNote(Uint8Array.of(0xff, 0x0a), [verifier])).toThrow(
      expect.objectContaining({ code: "note_malformed", cause: expect.any(TypeError) }),
    );
  });

  test("a hundred may sign, and not one more", () => {
    const signers = Array.from({ length: 101 }, () => signer);
    expect(openNote(signNote(TEXT, signers.slice(1)), [verifier]).verified).toHaveLength(1);
    expect(() => signNote(TEXT, signers)).toThrow(code("invalid_argument"));
  });

  test("refuses no signer, impossible names and other kinds of key", () => {
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    expect(() => signNote(TEXT, [])).toThrow(code("invalid_argument"));
    for (const name of ["", "a b", "a+b", "a\u2003b", "a\nb", "\ud800"])
      expect(() => createNoteSigner(name, privateKey)).toThrow(code("key_invalid"));
    expect(() => createNoteSigner("log", ec)).toThrow(code("key_invalid"));
    expect(() => createNoteVerifier("log", new Uint8Array(31))).toThrow(code("key_invalid"));
  });
});

describe("verifier keys", () => {
  test("every part, and every change of one character, of a key is no key", () => {
    const wrong: string[] = [];
    for (let i = 0; i < PETER_KEY.length; i++) {
      for (let j = i + 1; j <= PETER_KEY.length; j++) wrong.push(PETER_KEY.slice(i, j));
      const next = String.fromCharCode(PETER_KEY.charCodeAt(i) + 1);
      wrong.push(PETER_KEY.slice(0, i) + next + PETER_KEY.slice(i + 1));
    }
    const accepted = wrong.filter((key) => {
      try {
        parseVerifierKey(key);
        return true;
      } catch (error) {
        return !(error instanceof MerkleError && error.code === "key_invalid");
      }
    });
    expect(accepted).toEqual([PETER_KEY]);
  });

  test("a wrong length or algorithm with its own right id, upper-case hex", () => {
    for (const key of [
      "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
      "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
      PETER_KEY.replace("c74f20a3", "C74F20A3"),
    ])
      expect(() => parseVerifierKey(key)).toThrow(code("key_invalid"));
  });

  test("a public key that is no point of the curve verifies nothing", () => {
    for (const fill of [0x00, 0xff, 0x7f]) {
      const verifier = createNoteVerifier("junk", new Uint8Array(32).fill(fill));
      expect(verifier.verify(Buffer.from("hi"), new Uint8Array(64).fill(fill))).toBe(false);
    }
    for (const length of [0, 63, 65])
      expect(peter.verify(Buffer.from("hi"), new Uint8Array(length))).toBe(false);
  });
});

/** A private key from its RFC 8032 seed, wrapped in the fixed PKCS #8 header of RFC 8410. */
function ed25519PrivateKey(seed: Uint8Array): KeyObject {
  const key = Buffer.concat([unhex("302e020100300506032b657004220420"), seed]);
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}
