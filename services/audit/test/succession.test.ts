import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { followSuccessions, verifyGrowth } from "@wellapi/log-verifier";
import { openCheckpoint, parseVerifierKey } from "@wellapi/merkle";
import { describe, expect, test } from "vitest";
import { type AuditWorld, ada, leafOf, openAudit, trustDomain } from "./harness.ts";

async function fill(world: AuditWorld, count: number): Promise<void> {
  await world.intake.append({ leaves: Array.from({ length: count }, () => leafOf(ada)) });
  await world.settled();
}

const checkpointOf = async (world: AuditWorld) => (await world.as({}).getCheckpoint({})).checkpoint;

async function follow(world: AuditWorld, pinned: string) {
  const { content } = await world.as({}).getLogFile({ path: "successions" });
  return followSuccessions(JSON.parse(Buffer.from(content).toString()) as string[], pinned);
}

/** That whoever trusts only the first key finds the older tree in today's. */
async function expectGrowth(world: AuditWorld, pinned: string, from: string): Promise<void> {
  const to = await checkpointOf(world);
  const [firstSize, secondSize] = [from, to].map((note) => BigInt(note.split("\n")[1]!));
  const proof = (await world.as({}).getConsistencyProof({ firstSize: firstSize!, secondSize: secondSize! }))
    .hashes;
  const { key } = await follow(world, pinned);
  verifyGrowth({ from, to, verifierKeys: [pinned], toVerifierKeys: [key], proof });
}

/** A log of 10 entries, of which a backup was taken at 6. */
async function openBehind() {
  const world = await openAudit();
  await fill(world, 6);
  const early = await checkpointOf(world);
  await world.shut();
  const { folder } = world;
  await cp(join(folder, "store"), join(folder, "backup"), { recursive: true });
  const grown = await openAudit({ folder });
  await fill(grown, 4);
  const late = await checkpointOf(grown);
  await grown.shut();
  return { folder, early, late, pinned: grown.verifierKey, restore: () => restore(folder) };
}

async function restore(folder: string): Promise<void> {
  await rm(join(folder, "store"), { recursive: true });
  await cp(join(folder, "backup"), join(folder, "store"), { recursive: true });
}

describe("a log that was restored", () => {
  test("goes on only by a break that somebody accepts, in just these sizes, and declares it under both keys", async () => {
    const { folder, early, late, pinned, restore } = await openBehind();
    await restore();
    await expect(openAudit({ folder })).rejects.toThrow("WELLAPI_ACCEPT_LOG_BREAK=exchange.test/log:10@6");
    await expect(openAudit({ folder, acceptBreak: `${trustDomain}/log:10@7` })).rejects.toMatchObject({
      code: "behind_checkpoint",
    });
    const world = await openAudit({ folder, acceptBreak: `${trustDomain}/log:10@6` });
    await fill(world, 9);

    const { key, steps } = await follow(world, pinned);
    expect(key).toBe(world.verifierKey);
    expect(key.startsWith(`${trustDomain}/log/2+`)).toBe(true);
    expect(steps).toMatchObject([{ reason: "restored", published: { size: 10 }, continues: { size: 6 } }]);
    // Not a fork: nothing is signed under the old name any more.
    const verifier = parseVerifierKey(pinned);
    const note = await checkpointOf(world);
    expect(() => openCheckpoint(note, { origin: verifier.name, verifiers: [verifier] })).toThrow();
    // Who kept a checkpoint of before the backup finds it contained; who kept a later one does not.
    await expectGrowth(world, pinned, early);
    await expect(expectGrowth(world, pinned, late)).rejects.toThrow();

    // The setting that was left there accepts nothing else, and the next start needs none.
    await world.shut();
    const again = await openAudit({ folder });
    expect(again.verifierKey).toBe(key);
    await expectGrowth(again, pinned, early);
  });

  test("once more from the same backup, which knows nothing of the first break, keeps one chain of keys", async () => {
    const { folder, pinned, restore } = await openBehind();
    await restore();
    const first = await openAudit({ folder, acceptBreak: `${trustDomain}/log:10@6` });
    await fill(first, 4); // as many as were lost
    await first.shut();
    await restore();
    await expect(openAudit({ folder, acceptBreak: `${trustDomain}/log:10@6` })).rejects.toThrow(
      "WELLAPI_ACCEPT_LOG_BREAK=exchange.test/log/2:10@6",
    );
    const second = await openAudit({ folder, acceptBreak: `${trustDomain}/log/2:10@6` });
    const { key, steps } = await follow(second, pinned);
    expect(steps.map(({ published }) => published?.size)).toEqual([10, 10]);
    expect(key).toBe(second.verifierKey);
    expect((await follow(second, first.verifierKey)).key).toBe(key);
  });

  test("declares once though it dies before its first checkpoint", async () => {
    const { folder, pinned, restore } = await openBehind();
    await restore();
    const published = await readFile(join(folder, "log", "checkpoint"));
    const world = await openAudit({ folder, acceptBreak: `${trustDomain}/log:10@6` });
    await world.shut();
    await writeFile(join(folder, "log", "checkpoint"), published);
    const again = await openAudit({ folder });
    expect(again.verifierKey).toBe(world.verifierKey);
    expect((await follow(again, pinned)).steps).toHaveLength(1);
  });

  test("without what was published last declares that nobody knows it", async () => {
    const { folder, early, pinned, restore } = await openBehind();
    await restore();
    await rm(join(folder, "log"), { recursive: true });
    await expect(openAudit({ folder })).rejects.toThrow(
      "WELLAPI_ACCEPT_LOG_BREAK=exchange.test/log:unknown@6",
    );
    const world = await openAudit({ folder, acceptBreak: `${trustDomain}/log:unknown@6` });
    expect((await follow(world, pinned)).steps).toMatchObject([{ published: undefined }]);
    await expectGrowth(world, pinned, early);
  });
});

describe("a key that is replaced", () => {
  test("is followed by whoever trusts it, and both sign until the next; the setting does it once", async () => {
    const world = await openAudit();
    await fill(world, 3);
    const before = await checkpointOf(world);
    const pinned = world.verifierKey;
    await world.shut();
    const { folder } = world;
    const id = pinned.split("+")[1]!;
    const rotated = await openAudit({ folder, rotateKey: id });
    await fill(rotated, 2);
    expect(rotated.verifierKey).not.toBe(pinned);
    await expectGrowth(rotated, pinned, before);
    // A program of another author, which knows nothing of successions, goes on with the key that it has.
    for (const key of [pinned, rotated.verifierKey]) {
      const verifier = parseVerifierKey(key);
      const note = await checkpointOf(rotated);
      expect(
        openCheckpoint(note, { origin: `${trustDomain}/log`, verifiers: [verifier] }).checkpoint.size,
      ).toBe(5);
    }
    await rotated.shut();
    const again = await openAudit({ folder, rotateKey: id });
    expect(again.verifierKey).toBe(rotated.verifierKey);
    await again.shut();
    const third = await openAudit({ folder, rotateKey: rotated.verifierKey.split("+")[1]! });
    expect((await follow(third, pinned)).steps).toMatchObject([{ reason: "rotated" }, { reason: "rotated" }]);
    const verifier = parseVerifierKey(pinned);
    const note = await checkpointOf(third);
    expect(() => openCheckpoint(note, { origin: verifier.name, verifiers: [verifier] })).toThrow();
    await expectGrowth(third, pinned, before);
  });

  test("a succession that is forged, or a second one, is not followed", async () => {
    const [ours, theirs] = [await openAudit(), await openAudit()];
    const pinned = ours.verifierKey;
    const { folder } = theirs;
    await theirs.shut();
    const forged = await openAudit({ folder, rotateKey: theirs.verifierKey.split("+")[1]! });
    const { content } = await forged.as({}).getLogFile({ path: "successions" });
    const [note] = JSON.parse(Buffer.from(content).toString()) as string[];
    expect(followSuccessions([note!], pinned)).toEqual({ key: pinned, steps: [] });
    const claimed = note!.replace(theirs.verifierKey, pinned);
    expect(() => followSuccessions([claimed], pinned)).toThrow();
    expect(() =>
      followSuccessions([note!, note!.replace("rotated", "restored")], theirs.verifierKey),
    ).toThrow();
  });
});
