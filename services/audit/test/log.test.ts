import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ConnectError, createClient } from "@connectrpc/connect";
import {
  AuditIntakeService,
  type Leaf,
} from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { commitment, verifyAccess, verifyGrowth } from "@wellapi/log-verifier";
import {
  decodeEntryBundle,
  formatTilePath,
  HASH_BYTES,
  leafHash,
  openCheckpoint,
  parseVerifierKey,
} from "@wellapi/merkle";
import { problemOf } from "@wellapi/rpc";
import { createTestTransport } from "@wellapi/rpc/testing";
import { describe, expect, test } from "vitest";
import { type AuditWorld, ada, bob, leafOf, openAudit, trustDomain } from "./harness.ts";

const patient = { kind: "patient", partition: ada } as const;

function sizeOf(world: AuditWorld, note: string): number {
  const verifiers = [parseVerifierKey(world.verifierKey)];
  return openCheckpoint(note, { origin: `${trustDomain}/log`, verifiers }).checkpoint.size;
}

async function append(world: AuditWorld, leaves: readonly Leaf[]): Promise<void> {
  await world.intake.append({ leaves: [...leaves] });
  await world.settled();
}

async function bundle(world: AuditWorld, index: number, width: number): Promise<Uint8Array[]> {
  const bytes = await world.tiles.read(formatTilePath({ kind: "entries", index, width }));
  return decodeEntryBundle(bytes!, width);
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

async function problem(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return problemOf(error as ConnectError);
}

describe("the log", () => {
  test("proves each access with what a patient gets, from a key and a checkpoint alone", async () => {
    const world = await openAudit();
    const empty = await world.as({}).getCheckpoint({});
    const leaves = Array.from({ length: 40 }, () => leafOf(ada));
    await append(world, leaves.slice(0, 7));
    const early = await world.as({}).getCheckpoint({});
    await append(world, leaves.slice(7));
    const { checkpoint, verifierKey } = await world.as({}).getCheckpoint({});
    expect(verifierKey).toBe(world.verifierKey);
    const size = sizeOf(world, checkpoint);
    expect(size).toBe(40);

    const page = await world.as(patient).listAccesses({ pageSize: 500 });
    expect(page.accesses.map(({ access }) => access!.id).sort()).toEqual(leaves.map(({ id }) => id).sort());
    for (const { access, body, nonce, index } of page.accesses) {
      const { hashes } = await world.as({}).getInclusionProof({ index, size: BigInt(size) });
      const claim = { body, nonce, index: Number(index), checkpoint, verifierKeys: [verifierKey] };
      expect(verifyAccess({ ...claim, proof: hashes }).access).toEqual(access);
    }
    for (const { checkpoint: from } of [empty, early]) {
      const firstSize = BigInt(sizeOf(world, from));
      const { hashes } = await world.as({}).getConsistencyProof({ firstSize, secondSize: BigInt(size) });
      const grown = verifyGrowth({ from, to: checkpoint, verifierKeys: [verifierKey], proof: hashes });
      expect(grown.to.size).toBe(size);
    }
  });

  test("refuses proofs beyond its end, and names its size", async () => {
    const world = await openAudit();
    await append(world, [leafOf(ada), leafOf(ada)]);
    const anyone = world.as({});
    const answers = await Promise.all([
      problem(anyone.getInclusionProof({ index: 0n, size: 3n })),
      problem(anyone.getInclusionProof({ index: 2n, size: 2n })),
      problem(anyone.getInclusionProof({ index: 0n, size: 2n ** 62n })),
      problem(anyone.getConsistencyProof({ firstSize: 1n, secondSize: 3n })),
      problem(anyone.getConsistencyProof({ firstSize: 2n, secondSize: 1n })),
    ]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ code: 3, reason: "INVALID_FIELD" });
      expect(answer.message).toContain("the log has 2 entries now");
    }
    expect(answers.map(({ violations }) => violations![0]!.field)).toEqual([
      "size",
      "index",
      "size",
      "second_size",
      "first_size",
    ]);
  });

  test("has each leaf once, however often and at the same time it is sent", async () => {
    const world = await openAudit();
    const leaves = Array.from({ length: 30 }, (_, i) => leafOf(i % 2 ? ada : ""));
    await Promise.all([
      world.intake.append({ leaves }),
      world.intake.append({ leaves: leaves.slice(10) }),
      world.intake.append({ leaves: [...leaves.slice(0, 20), ...leaves.slice(0, 20)] }),
    ]);
    await world.settled();
    await append(world, leaves);
    await append(world, [leafOf(ada), ...leaves]);
    expect(sizeOf(world, (await world.as({}).getCheckpoint({})).checkpoint)).toBe(31);
    const entries = (await bundle(world, 0, 31)).map(hex);
    expect(new Set(entries).size).toBe(31);
    for (const { nonce, body } of leaves) expect(entries).toContain(hex(commitment(nonce, body)));
  });

  test("holds what can be shown where one id comes with two bodies", async () => {
    const world = await openAudit();
    const first = leafOf(ada, { id: "acc_same", method: "a.B/First" });
    await append(world, [first]);
    await append(world, [leafOf(ada, { id: "acc_same", method: "a.B/Second" })]);
    await append(world, [leafOf(bob, { id: "acc_same", method: "a.B/Third" })]);
    const { access } = await world.as(patient).getAccess({ access: "acc_same" });
    expect(access).toMatchObject({ body: first.body, nonce: first.nonce, index: 0n });
    expect(sizeOf(world, (await world.as({}).getCheckpoint({})).checkpoint)).toBe(1);
    const bobs = await world.as({ kind: "patient", partition: bob }).listAccesses({});
    expect(bobs.accesses).toEqual([]);
  });

  test("publishes commitments and nothing else: the same access twice is two entries", async () => {
    const world = await openAudit();
    const same = { organization: "org_canary7", method: "canary.Method/Read" };
    const leaves = [leafOf(ada, same), leafOf(ada, same), leafOf("", same)];
    await append(world, leaves);
    const entries = await bundle(world, 0, 3);
    expect(entries.map(hex).sort()).toEqual(leaves.map((one) => hex(commitment(one.nonce, one.body))).sort());
    const raw = await world.tiles.read("tile/entries/000.p/3");
    expect(raw).toHaveLength(3 * (2 + HASH_BYTES));
    const tile = await world.tiles.read("tile/0/000.p/3");
    expect(hex(tile!)).toBe(hex(Buffer.concat(entries.map(leafHash))));
  });

  test("has nothing of what accesses say in clear on the disk", async () => {
    const world = await openAudit();
    await append(world, [
      leafOf(ada, { method: "canary.Method/Read" }),
      leafOf("", { method: "canary.Method/Read" }),
    ]);
    const files = await readdir(world.folder, { recursive: true, withFileTypes: true });
    const contents = await Promise.all(
      files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name))),
    );
    expect(contents.length).toBeGreaterThan(2);
    for (const content of contents) expect(content.includes("canary.Method")).toBe(false);
  });

  test("serves the tiles of the published tree, and nothing beyond", async () => {
    const world = await openAudit();
    await append(
      world,
      Array.from({ length: 300 }, () => leafOf(ada)),
    );
    const text = Buffer.from((await world.tiles.read("checkpoint"))!).toString();
    expect(text).toBe((await world.as({}).getCheckpoint({})).checkpoint);
    const widths = async (path: string) => (await world.tiles.read(path))?.length;
    expect(await widths("tile/0/000")).toBe(256 * HASH_BYTES);
    expect(await widths("tile/0/000.p/9")).toBe(9 * HASH_BYTES);
    expect(await widths("tile/0/001.p/44")).toBe(44 * HASH_BYTES);
    expect(await widths("tile/1/000.p/1")).toBe(HASH_BYTES);
    expect(await widths("tile/entries/001.p/44")).toBe(44 * (2 + HASH_BYTES));
    for (const path of [
      "",
      "tile/0/001",
      "tile/0/001.p/45",
      "tile/0/002.p/1",
      "tile/1/000.p/2",
      "tile/2/000.p/1",
      "tile/0/../../checkpoint",
      "../store/store.db",
      "/checkpoint",
    ])
      expect(await world.tiles.read(path), path).toBeUndefined();
  });

  test("refuses a leaf that disagrees with its body", async () => {
    const world = await openAudit();
    const good = leafOf(ada, { organization: "org_a" });
    const wrong = [
      { ...good, id: "acc_other" },
      { ...good, organization: "org_b" },
      { ...good, partition: "installation" },
      { ...good, body: new Uint8Array([255]) },
    ];
    const answers = await Promise.all(
      wrong.map((one) => problem(world.intake.append({ leaves: [good, one] }))),
    );
    expect(answers.map(({ violations }) => violations![0]!.field)).toEqual([
      "leaves[1].id",
      "leaves[1].organization",
      "leaves[1].partition",
      "leaves[1].body",
    ]);
    await world.settled();
    expect(sizeOf(world, (await world.as({}).getCheckpoint({})).checkpoint)).toBe(0);
  });

  test("takes leaves from services only", async () => {
    const world = await openAudit();
    for (const caller of [
      { principal: { kind: "operator", id: "opr_1" }, workload: "door", token: "" },
      { principal: { kind: "service", id: "ingestion" }, workload: "ingestion", token: "" },
    ] as const) {
      const intake = createClient(AuditIntakeService, createTestTransport({ routes: world.routes, caller }));
      expect(await problem(intake.append({ leaves: [leafOf(ada)] }))).toMatchObject({ code: 7 });
    }
  });

  test("integrates 10,000 leaves", async () => {
    const world = await openAudit();
    const batches = Array.from({ length: 20 }, (_, b) => {
      return Array.from({ length: 500 }, (_, i) => leafOf(`local/pat_${(b * 500 + i) % 97}`));
    });
    const start = performance.now();
    for (const leaves of batches) await world.intake.append({ leaves });
    const taken = performance.now();
    await world.settled();
    const done = performance.now();
    process.stdout.write(
      `10,000 leaves: durable after ${Math.round(taken - start)} ms, integrated after ${Math.round(done - start)} ms\n`,
    );
    expect(sizeOf(world, (await world.as({}).getCheckpoint({})).checkpoint)).toBe(10_000);
    const { hashes } = await world.as({}).getInclusionProof({ index: 4321n, size: 10_000n });
    expect(hashes).toHaveLength(14);
  });
});
