import { generateKeyPairSync, randomBytes } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { type Client, createClient, createRouterTransport } from "@connectrpc/connect";
import { AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { commitment, signSuccession } from "@wellapi/log-verifier";
import {
  appendLeafHashes,
  consistencyProof,
  createNoteSigner,
  EMPTY_FRONTIER,
  frontierRoot,
  growTiles,
  inclusionProof,
  leafHash,
  type NoteSigner,
  signCheckpoint,
} from "@wellapi/merkle";
import { describe, expect, test } from "vitest";
import { describeSteps, trustedKeys, verifyLogGrowth, verifyLoggedAccess } from "../src/index.ts";

const signerOf = (name: string) => createNoteSigner(name, generateKeyPairSync("ed25519").privateKey);

/** A log of real entries, tiles and signatures, which a test can make lie. */
function openLog(entries: number, signer: NoteSigner, successions: readonly string[] = []) {
  const accesses = Array.from({ length: entries }, (_, i) => ({
    body: toBinary(AccessSchema, create(AccessSchema, { id: `acc_${i}`, method: "a.B/C" })),
    nonce: new Uint8Array(randomBytes(32)),
  }));
  const hashes = accesses.map(({ nonce, body }) => leafHash(commitment(nonce, body)));
  const tiles = new Map(
    growTiles(0, [], hashes).changed.map(({ level, index, bytes }) => [`${level}/${index}`, bytes]),
  );
  const readTile = async (level: number, index: number) => tiles.get(`${level}/${index}`)!;
  const treeOf = (size: number) => ({
    size,
    root: frontierRoot(appendLeafHashes(EMPTY_FRONTIER, hashes.slice(0, size))),
  });
  const checkpointOf = (size: number, by = signer) =>
    signCheckpoint({ origin: by.name, ...treeOf(size), extensions: [] }, [by]);
  const shown = {
    checkpoint: checkpointOf(entries),
    body: (index: number) => accesses[index]!.body,
    indexOf: (id: string) => Number(id.slice(4)),
    successions: JSON.stringify(successions),
  };
  const audit: Client<typeof AuditService> = createClient(
    AuditService,
    createRouterTransport(({ service }) => {
      service(AuditService, {
        getLogFile: () => ({ content: Buffer.from(shown.successions) }),
        getCheckpoint: () => ({ checkpoint: shown.checkpoint, verifierKey: signer.verifierKey }),
        getAccess({ access: id }) {
          const index = shown.indexOf(id);
          const { nonce } = accesses[index]!;
          return { access: { id, index: BigInt(index), nonce, body: shown.body(index) } };
        },
        async getInclusionProof({ index, size }) {
          return { hashes: await inclusionProof(Number(index), Number(size), readTile) };
        },
        async getConsistencyProof({ firstSize, secondSize }) {
          return { hashes: await consistencyProof(Number(firstSize), Number(secondSize), readTile) };
        },
      });
    }),
  );
  return { audit, shown, checkpointOf, treeOf };
}

const signer = signerOf("exchange.test/log");
const key = signer.verifierKey;

describe("an access", () => {
  test("that the log holds is verified, at its place", async () => {
    const { audit } = openLog(9, signer);
    const verified = await verifyLoggedAccess(audit, "acc_4", key);
    expect(verified).toMatchObject({ index: 4, size: 9, access: { id: "acc_4", method: "a.B/C" } });
  });

  test("whose content is another than the log committed to is not", async () => {
    const { audit, shown } = openLog(9, signer);
    shown.body = () => toBinary(AccessSchema, create(AccessSchema, { id: "acc_4", method: "a.B/Other" }));
    await expect(verifyLoggedAccess(audit, "acc_4", key)).rejects.toMatchObject({
      name: "ClientError",
      code: "verification",
      message: expect.stringContaining("NOT VERIFIED"),
    });
  });

  test("in whose place the server shows another of the log is not", async () => {
    const { audit, shown } = openLog(9, signer);
    shown.indexOf = () => 5;
    await expect(verifyLoggedAccess(audit, "acc_4", key)).rejects.toMatchObject({
      code: "verification",
      message: "NOT VERIFIED: the log answered with another access",
    });
  });

  test.each(["{}", "[1]", "no JSON"])("of a log that says %s of its keys is not", async (successions) => {
    const { audit, shown } = openLog(9, signer);
    shown.successions = successions;
    await expect(verifyLoggedAccess(audit, "acc_4", key)).rejects.toMatchObject({ code: "verification" });
  });

  test("of a log that another key signed is not", async () => {
    const { audit } = openLog(9, signerOf("exchange.test/log"));
    await expect(verifyLoggedAccess(audit, "acc_4", key)).rejects.toMatchObject({ code: "verification" });
  });
});

describe("the log's growth", () => {
  test("from an older checkpoint of the same log is verified", async () => {
    const { audit, checkpointOf } = openLog(300, signer);
    expect(await verifyLogGrowth(audit, checkpointOf(7), key)).toEqual({ from: 7, to: 300 });
  });

  test("is not from a checkpoint of a log that was rewritten, or of one that was longer", async () => {
    const { checkpointOf: ofAnother } = openLog(300, signer);
    const { audit } = openLog(300, signer);
    await expect(verifyLogGrowth(audit, ofAnother(7), key)).rejects.toMatchObject({ code: "verification" });
    const { audit: short, checkpointOf } = openLog(9, signer);
    const later = openLog(12, signer).checkpointOf(12);
    await expect(verifyLogGrowth(short, later, key)).rejects.toThrow(/shrank from 12 to 9/);
    await expect(verifyLogGrowth(short, "no checkpoint", key)).rejects.toMatchObject({ code: "input" });
    expect(await verifyLogGrowth(short, checkpointOf(9), key)).toEqual({ from: 9, to: 9 });
  });

  test("is verified over a key that took the place of another, which whoever pins the first is told", async () => {
    const second = signerOf("exchange.test/log");
    const tree = openLog(5, signer).treeOf(5);
    const time = Date.UTC(2026, 10, 26);
    const note = signSuccession(
      { reason: "rotated", published: tree, continues: tree, time },
      { from: signer, to: second },
    );
    const { audit, checkpointOf } = openLog(20, second, [note]);
    expect(await verifyLogGrowth(audit, checkpointOf(5, signer), key)).toEqual({ from: 5, to: 20 });
    expect(await verifyLoggedAccess(audit, "acc_4", key)).toMatchObject({ index: 4, size: 20 });
    const keys = await trustedKeys(audit, key);
    expect(keys).toMatchObject({ pinned: key, current: second.verifierKey });
    expect(describeSteps(keys).join("\n")).toContain(second.verifierKey);
  });

  test("over a declared break: what was lost is told as a break, and what was kept is verified", async () => {
    const second = signerOf("exchange.test/log/2");
    const kept = openLog(20, second);
    const note = signSuccession(
      {
        reason: "restored",
        published: { size: 12, root: new Uint8Array(32) },
        continues: kept.treeOf(6),
        time: Date.UTC(2026, 10, 26),
      },
      { from: signer, to: second },
    );
    const successions = [note];
    const { audit, checkpointOf } = openLog(20, second, successions);
    await expect(verifyLogGrowth(audit, checkpointOf(9, signer), key)).rejects.toMatchObject({
      code: "break",
      message: expect.stringMatching(/entries 6 to 11, which had been published, are lost/),
    });
    expect(await verifyLogGrowth(audit, checkpointOf(6, signer), key)).toEqual({ from: 6, to: 20 });
  });
});
