import { generateKeyPairSync, randomBytes } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import {
  appendLeafHashes,
  consistencyProof,
  createNoteSigner,
  EMPTY_FRONTIER,
  frontierRoot,
  growTiles,
  inclusionProof,
  leafHash,
  signCheckpoint,
} from "@wellapi/merkle";
import { describe, expect, test } from "vitest";
import { commitment, verifyAccess, verifyGrowth } from "../src/index.ts";

const origin = "exchange.test/log";
const signerOf = (name: string) => createNoteSigner(name, generateKeyPairSync("ed25519").privateKey);
const signer = signerOf(origin);
const verifierKeys = [signer.verifierKey];
const size = 300;

const accesses = Array.from({ length: size }, (_, i) => {
  const body = toBinary(AccessSchema, create(AccessSchema, { id: `acc_${i}`, method: "a.B/C" }));
  return { body, nonce: new Uint8Array(randomBytes(32)) };
});
const hashes = accesses.map(({ nonce, body }) => leafHash(commitment(nonce, body)));
const tiles = new Map(
  growTiles(0, [], hashes).changed.map(({ level, index, bytes }) => [`${level}/${index}`, bytes]),
);
const readTile = async (level: number, index: number) => tiles.get(`${level}/${index}`)!;
const checkpointOf = (count: number, by = signer) => {
  const root = frontierRoot(appendLeafHashes(EMPTY_FRONTIER, hashes.slice(0, count)));
  return signCheckpoint({ origin: by.name, size: count, root, extensions: [] }, [by]);
};
const checkpoint = checkpointOf(size);

async function claimOf(index: number) {
  const { body, nonce } = accesses[index]!;
  return { body, nonce, index, checkpoint, verifierKeys, proof: await inclusionProof(index, size, readTile) };
}

const flipped = (bytes: Uint8Array) => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte));
const failsWith = (code: string) => expect.objectContaining({ code });

describe("verifyAccess", () => {
  test("takes every access of the log", async () => {
    for (let index = 0; index < size; index++) {
      const { access, checkpoint: opened } = verifyAccess(await claimOf(index));
      expect(access.id).toBe(`acc_${index}`);
      expect(opened.size).toBe(size);
    }
  });

  test("refuses another body, nonce, index or proof", async () => {
    const claim = await claimOf(77);
    for (const wrong of [
      { body: flipped(claim.body) },
      { body: new Uint8Array([...claim.body, 0]) },
      { nonce: flipped(claim.nonce) },
      { nonce: claim.nonce.subarray(1) },
      // The border between nonce and body moved: the same bytes in all.
      { nonce: new Uint8Array([...claim.nonce, claim.body[0]!]), body: claim.body.subarray(1) },
      { index: 78 },
      { index: -1 },
      { proof: claim.proof.slice(1) },
      { proof: claim.proof.map(flipped) },
      { proof: [] },
    ]) {
      expect(() => verifyAccess({ ...claim, ...wrong })).toThrow(failsWith("proof_invalid"));
    }
  });

  test("refuses an entry that is no access, though the log has it, and says why", () => {
    const nonce = new Uint8Array(randomBytes(32));
    const body = Uint8Array.of(0x0a, 0x05, 0x61); // a text of five bytes, of which one is there
    const root = leafHash(commitment(nonce, body));
    const signed = signCheckpoint({ origin, size: 1, root, extensions: [] }, [signer]);
    const claim = { body, nonce, index: 0, checkpoint: signed, verifierKeys, proof: [] };
    expect(() => verifyAccess(claim)).toThrow(
      expect.objectContaining({ code: "proof_invalid", cause: expect.any(Error) }),
    );
  });

  test("refuses a checkpoint that was changed, or that another key or log signed", async () => {
    const claim = await claimOf(5);
    const changed = checkpoint.replace(`\n${size}\n`, `\n${size + 1}\n`);
    expect(() => verifyAccess({ ...claim, checkpoint: changed })).toThrow(failsWith("signature_invalid"));
    const stranger = checkpointOf(size, signerOf(origin));
    expect(() => verifyAccess({ ...claim, checkpoint: stranger })).toThrow(failsWith("note_unverified"));
    const other = signerOf("elsewhere.test/log");
    const misnamed = signCheckpoint({ origin, size, root: new Uint8Array(32), extensions: [] }, [other]);
    const claimOfOther = { ...claim, checkpoint: misnamed, verifierKeys: [other.verifierKey] };
    expect(() => verifyAccess(claimOfOther)).toThrow(failsWith("origin_mismatch"));
    expect(() => verifyAccess({ ...claim, verifierKeys: [] })).toThrow(failsWith("key_invalid"));
    const mixed = [...verifierKeys, other.verifierKey];
    expect(() => verifyAccess({ ...claim, verifierKeys: mixed })).toThrow(failsWith("key_invalid"));
  });
});

describe("verifyGrowth", () => {
  test("takes a log that only grew, and refuses one that was rewritten", async () => {
    const proof = await consistencyProof(100, size, readTile);
    const claim = { from: checkpointOf(100), to: checkpoint, verifierKeys, proof };
    expect(verifyGrowth(claim)).toMatchObject({ from: { size: 100 }, to: { size } });
    expect(() => verifyGrowth({ ...claim, from: checkpointOf(101) })).toThrow(failsWith("proof_invalid"));
    expect(() => verifyGrowth({ ...claim, from: checkpoint, to: claim.from })).toThrow(
      failsWith("proof_invalid"),
    );
    const rewritten = signCheckpoint({ origin, size, root: new Uint8Array(32), extensions: [] }, [signer]);
    expect(() => verifyGrowth({ ...claim, to: rewritten })).toThrow(failsWith("proof_invalid"));
  });

  test("takes one that grew under another key where that key is trusted for the newer checkpoint, and only there", async () => {
    const next = signerOf(origin);
    const proof = await consistencyProof(100, size, readTile);
    const claim = { from: checkpointOf(100), to: checkpointOf(size, next), verifierKeys, proof };
    const toVerifierKeys = [next.verifierKey];
    expect(verifyGrowth({ ...claim, toVerifierKeys })).toMatchObject({ from: { size: 100 }, to: { size } });
    expect(() => verifyGrowth(claim)).toThrow(failsWith("note_unverified"));
    expect(() => verifyGrowth({ ...claim, to: checkpoint, toVerifierKeys })).toThrow(
      failsWith("note_unverified"),
    );
    const turned = { ...claim, from: checkpointOf(100, next), toVerifierKeys };
    expect(() => verifyGrowth(turned)).toThrow(failsWith("note_unverified"));
  });
});
