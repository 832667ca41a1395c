import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  appendLeafHashes,
  type Checkpoint,
  createNoteSigner,
  EMPTY_FRONTIER,
  formatCheckpoint,
  frontierRoot,
  openCheckpoint,
  parseCheckpoint,
  parseVerifierKey,
  signCheckpoint,
  signNote,
} from "../src/index.ts";
import { numberedLeaves, unhex } from "./reference-tree.ts";

const ORIGIN = "log.wellapi.example/audit";
const malformed = expect.objectContaining({ name: "MerkleError", code: "checkpoint_malformed" });

describe("the golden checkpoint", () => {
  const note = readFileSync(new URL("golden/checkpoint.txt", import.meta.url));
  const verifier = parseVerifierKey(
    readFileSync(new URL("golden/verifier-key.txt", import.meta.url), "utf8").trimEnd(),
  );
  const root = frontierRoot(appendLeafHashes(EMPTY_FRONTIER, numberedLeaves(70_000)));

  test("opens, and commits to the tree that it was made of", () => {
    const { checkpoint } = openCheckpoint(note, { origin: ORIGIN, verifiers: [verifier] });
    expect(checkpoint).toEqual({ origin: ORIGIN, size: 70_000, root, extensions: [] });
  });

  test("is what its key signs, byte for byte", () => {
    const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
    const key = Buffer.concat([unhex("302e020100300506032b657004220420"), seed]);
    const signer = createNoteSigner(ORIGIN, createPrivateKey({ key, format: "der", type: "pkcs8" }));
    const made = signCheckpoint({ origin: ORIGIN, size: 70_000, root, extensions: [] }, [signer]);
    expect(made).toBe(note.toString("utf8"));
  });

  test("is not another log's", () => {
    const trust = { origin: `${ORIGIN}/sandbox`, verifiers: [verifier] };
    expect(() => openCheckpoint(note, trust)).toThrow(expect.objectContaining({ code: "origin_mismatch" }));
    expect(() => openCheckpoint(note, { origin: ORIGIN, verifiers: [] })).toThrow(
      expect.objectContaining({ code: "note_unverified" }),
    );
  });
});

test("the specification's example text", () => {
  const text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
  const checkpoint = parseCheckpoint(text);
  expect(checkpoint).toMatchObject({
    origin: "example.com/behind-the-sofa",
    size: 20_852_163,
    extensions: [],
  });
  expect(formatCheckpoint(checkpoint)).toBe(text);
});

test("format and parse are inverse", () => {
  const line = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 30 })
    .map((s) => s.replaceAll(/\p{Cc}/gu, "-"));
  const checkpoint: fc.Arbitrary<Checkpoint> = fc.record({
    origin: line,
    size: fc.maxSafeNat(),
    root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    extensions: fc.array(line, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(checkpoint, (c) => {
      expect(parseCheckpoint(formatCheckpoint(c))).toEqual(c);
    }),
  );
});

const ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
test.each([
  ["nothing", ""],
  ["two lines", "o\n1\n"],
  ["no last newline", `o\n1\n${ROOT}`],
  ["an empty origin", `\n1\n${ROOT}\n`],
  ["an empty extension", `o\n1\n${ROOT}\n\n`],
  ["an empty extension before another", `o\n1\n${ROOT}\n\nx\n`],
  ["a leading zero", `o\n01\n${ROOT}\n`],
  ["a sign", `o\n+1\n${ROOT}\n`],
  ["a negative size", `o\n-1\n${ROOT}\n`],
  ["hex", `o\n0x1\n${ROOT}\n`],
  ["a fraction", `o\n1.0\n${ROOT}\n`],
  ["a size above 2^53-1", `o\n9007199254740992\n${ROOT}\n`],
  ["a size above 2^64", `o\n18446744073709551616\n${ROOT}\n`],
  ["a space after the size", `o\n1 \n${ROOT}\n`],
  ["a carriage return", `o\r\n1\r\n${ROOT}\r\n`],
  ["a tab in an extension", `o\n1\n${ROOT}\na\tb\n`],
  ["a root of 31 bytes", `o\n1\n${Buffer.alloc(31).toString("base64")}\n`],
  ["a root of 33 bytes", `o\n1\n${Buffer.alloc(33).toString("base64")}\n`],
  ["a root without padding", `o\n1\n${ROOT.slice(0, -1)}\n`],
  ["a root with stray bits", `o\n1\n${ROOT.replace("2I=", "2J=")}\n`],
  ["a root of the URL alphabet", `o\n1\n${ROOT.replace("/", "_")}\n`],
])("a checkpoint with %s is malformed", (_, text) => {
  expect(() => parseCheckpoint(text)).toThrow(malformed);
});

test("a rightly signed note that is no checkpoint is refused", () => {
  const signer = createNoteSigner(ORIGIN, generateKeyPairSync("ed25519").privateKey);
  const trust = { origin: ORIGIN, verifiers: [parseVerifierKey(signer.verifierKey)] };
  expect(() => openCheckpoint(signNote(`${ORIGIN}\nhello\n`, [signer]), trust)).toThrow(malformed);
});

test("an impossible checkpoint is not signed", () => {
  const good: Checkpoint = { origin: ORIGIN, size: 1, root: new Uint8Array(32), extensions: [] };
  for (const wrong of [
    { origin: "" },
    { origin: "two\nlines" },
    { origin: "\ud800" },
    { size: -1 },
    { size: 1.5 },
    { root: new Uint8Array(31) },
    { extensions: [""] },
    { extensions: ["a\nb"] },
  ])
    expect(() => formatCheckpoint({ ...good, ...wrong })).toThrow(malformed);
});
