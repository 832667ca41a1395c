import { createPrivateKey, type KeyObject } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import {
  commitment,
  followSuccessions,
  LogVerifierError,
  signSuccession,
  verifyAccess,
  verifyLogFiles,
} from "@wellapi/log-verifier";
import {
  appendLeafHashes,
  consistencyProof,
  createNoteSigner,
  decodeEntryBundle,
  decodeFrontier,
  EMPTY_FRONTIER,
  encodeEntryBundle,
  encodeFrontier,
  formatCheckpoint,
  formatTilePath,
  frontierRoot,
  growTiles,
  inclusionProof,
  leafHash,
  MerkleError,
  openNote,
  parseCheckpoint,
  parseTilePath,
  parseVerifierKey,
  signCheckpoint,
  signNote,
  verifyConsistency,
  verifyInclusion,
} from "@wellapi/merkle";
import { AccessLogError } from "../../../packages/access-log/src/errors.ts";
import { decodeLeafDocument, encodeLeafDocument } from "../../../packages/access-log/src/leaf.ts";
import { assertResult, type FuzzTarget, isOneOf, textOf, utf8 } from "../target.ts";

const origin = "log.test/log";
/** Fixed, so that a kept crash stays one. */
const signers = [1, 2].map((seed) => createNoteSigner(origin, ed25519(seed)));
const [signer, successor] = [signers[0]!, signers[1]!];
const verifiers = [parseVerifierKey(signer.verifierKey)];
const merkle = isOneOf(MerkleError, LogVerifierError);

function ed25519(seed: number): KeyObject {
  const pkcs8 = Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"),
    Buffer.alloc(32, seed),
  ]);
  return createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
}

function hashesOf(size: number): Uint8Array[] {
  return entriesOf(size).map(leafHash);
}

function entriesOf(size: number): Uint8Array[] {
  return Array.from({ length: size }, (_, i) => commitment(new Uint8Array(32).fill(i), Uint8Array.of(i)));
}

function treeOf(size: number) {
  return appendLeafHashes(EMPTY_FRONTIER, hashesOf(size));
}

const checkpoint = { origin, size: 300, root: frontierRoot(treeOf(300)), extensions: [] };

/** The input in pieces of 32 bytes, as proofs come. */
function hashesIn(input: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(input.length / 32) }, (_, i) => input.slice(i * 32, i * 32 + 32));
}

/** A log of one access, signed by a log that lies about what an access is. */
function claimOf(body: Uint8Array) {
  const nonce = new Uint8Array(32);
  const root = leafHash(commitment(nonce, body));
  const signed = signCheckpoint({ origin, size: 1, root, extensions: [] }, [signer]);
  return { body, nonce, index: 0, checkpoint: signed, verifierKeys: [signer.verifierKey], proof: [] };
}

/** The whole log of 300 entries, of which one file is the input. */
async function verifyWith(input: Uint8Array, replaced: string): Promise<string> {
  const files = new Map<string, Uint8Array>();
  for (const { level, index, width, bytes } of growTiles(0, [], hashesOf(300)).changed)
    files.set(formatTilePath({ kind: "hashes", level, index, width }), bytes);
  const entries = entriesOf(300);
  for (const [index, part] of [entries.slice(0, 256), entries.slice(256)].entries())
    files.set(formatTilePath({ kind: "entries", index, width: part.length }), encodeEntryBundle(part));
  const original = Buffer.from(files.get(replaced)!);
  files.set(replaced, input);
  const findings = await verifyLogFiles(checkpoint, async (path) => files.get(path)!);
  assertResult(findings.length > 0 || original.equals(input), "an edited file of the log is not found");
  return findings.map(({ what }) => what.replaceAll(/[0-9]+/g, "")).join();
}

/** A text of which only the one form is taken. */
function canonical(name: string, corpus: readonly string[], format: (text: string) => string): FuzzTarget {
  return {
    name,
    open: () => ({
      corpus: corpus.map(utf8),
      words: ["entries", "x000/", "x999/", ".p/", "tile/", "256", "9007199254740991", "9007199254740993"],
      refuses: merkle,
      parse(input) {
        const text = textOf(input);
        assertResult(format(text) === text, "a text is taken that is not the canonical one");
      },
    }),
  };
}

function file(name: string, path: string): FuzzTarget {
  const [, index] = /(\d{3})(?:\.p)?/.exec(path)!;
  const entries = entriesOf(300);
  const part = index === "000" ? entries.slice(0, 256) : entries.slice(256);
  const content = path.includes("entries") ? encodeEntryBundle(part) : Buffer.concat(part.map(leafHash));
  return {
    name,
    open: () => ({ corpus: [content], refuses: merkle, parse: (input) => verifyWith(input, path) }),
  };
}

async function readTile(level: number, index: number): Promise<Uint8Array> {
  const { changed } = growTiles(0, [], hashesOf(300));
  return changed.find((one) => one.level === level && one.index === index)!.bytes;
}

export const logTargets: readonly FuzzTarget[] = [
  file("log-bundle", "tile/entries/000"),
  file("log-tile", "tile/0/000"),
  file("log-partial-tile", "tile/0/001.p/44"),
  {
    name: "entry-bundle",
    open: () => ({
      corpus: [encodeEntryBundle([utf8("a"), utf8(""), utf8("bcd")])],
      refuses: merkle,
      parse(input) {
        const entries = decodeEntryBundle(input, 3);
        assertResult(
          Buffer.from(encodeEntryBundle(entries)).equals(input),
          "a bundle is not the one that was read",
        );
      },
    }),
  },
  {
    name: "frontier",
    open: () => ({
      corpus: [0, 1, 300].map((size) => encodeFrontier(treeOf(size))),
      refuses: merkle,
      parse(input) {
        const tree = decodeFrontier(input);
        assertResult(
          Buffer.from(encodeFrontier(tree)).equals(input),
          "a frontier is not the one that was read",
        );
        frontierRoot(tree);
      },
    }),
  },
  {
    name: "grown-tile",
    open: () => ({
      corpus: [growTiles(0, [], hashesOf(5)).changed[0]!.bytes],
      refuses: merkle,
      parse: (bytes) => void growTiles(5, [{ level: 0, index: 0, width: 5, bytes }], hashesOf(3)),
    }),
  },
  canonical("tile-path", ["tile/0/000", "tile/entries/x001/234.p/5", "tile/2/x001/x234/067"], (text) =>
    formatTilePath(parseTilePath(text)),
  ),
  canonical(
    "checkpoint",
    [formatCheckpoint(checkpoint), formatCheckpoint({ ...checkpoint, extensions: ["one", "two"] })],
    (text) => formatCheckpoint(parseCheckpoint(text)),
  ),
  {
    name: "verifier-key",
    open: () => ({
      corpus: signers.map(({ verifierKey }) => utf8(verifierKey)),
      refuses: merkle,
      parse: (input) => void parseVerifierKey(textOf(input)).verify(input, input),
    }),
  },
  {
    name: "note",
    open: () => ({
      corpus: [
        signNote("a text\n", [signer]),
        signNote("a\n\nb\n", signers),
        signCheckpoint(checkpoint, signers),
      ].map(utf8),
      words: ["\u2014 ", origin, "\n\n", "AAAA", "=="],
      refuses: merkle,
      parse: (input) => String(openNote(input, verifiers).unverified.length),
    }),
  },
  {
    name: "succession",
    open() {
      const tree = { size: 300, root: checkpoint.root };
      const step = { reason: "rotated", published: tree, continues: tree, time: 0 } as const;
      const texts = [
        signSuccession(step, { from: signer, to: successor }),
        signSuccession(
          { ...step, reason: "restored", published: undefined },
          { from: signer, to: successor },
        ),
      ].map((note) => note.slice(0, note.lastIndexOf("\n\n") + 1));
      return {
        corpus: texts.map(utf8),
        words: ["unknown", "restored", "+275760-09-13", "300 ", `from ${signer.verifierKey}\n`],
        refuses: merkle,
        // Both keys sign what comes: the form must hold also where the signatures do.
        parse: (input) =>
          followSuccessions([signNote(textOf(input), signers)], signer.verifierKey).steps[0]?.reason,
      };
    },
  },
  {
    name: "proof",
    async open() {
      const proofs = [await inclusionProof(7, 300, readTile), await consistencyProof(100, 300, readTile)];
      const older = { size: 100, root: frontierRoot(treeOf(100)) };
      return {
        corpus: proofs.map((proof) => Buffer.concat(proof)),
        refuses: merkle,
        parse(input) {
          const proof = hashesIn(input);
          const isRight = proofs.some((one) => Buffer.concat(one).equals(input));
          try {
            verifyInclusion({ leafHash: hashesOf(8)[7]!, index: 7, size: 300, root: checkpoint.root, proof });
          } catch (error) {
            if (!merkle(error)) throw error;
            verifyConsistency({ from: older, to: checkpoint, proof });
          }
          assertResult(isRight, "a proof holds that is none");
        },
      };
    },
  },
  {
    name: "access",
    open: () => ({
      corpus: [toBinary(AccessSchema, create(AccessSchema, { id: "acc_1", method: "a.B/C", items: 3 }))],
      refuses: merkle,
      parse: (input) => void verifyAccess(claimOf(input)),
    }),
  },
  {
    name: "leaf",
    open: () => ({
      corpus: [
        encodeLeafDocument({
          ...{ partition: "local/pat_1", id: "acc_1", timeMs: 1, patient: true },
          sealed: new Uint8Array(60),
        }),
      ],
      words: ["null", "{}", '"sealed":', "[]", "1e400"],
      refuses: isOneOf(AccessLogError),
      parse(input) {
        const { sealed, ...leaf } = decodeLeafDocument(input);
        assertResult(sealed instanceof Uint8Array, "a leaf without its sealed bytes");
        const types = [typeof leaf.partition, typeof leaf.id, typeof leaf.timeMs, typeof leaf.patient];
        assertResult(types.join() === "string,string,number,boolean", "a leaf of other types");
      },
    }),
  },
];
