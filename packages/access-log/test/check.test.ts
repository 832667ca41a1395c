import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomIds, systemClock } from "@wellapi/runtime";
import { openLocalKms } from "@wellapi/vault";
import { expect, onTestFinished, test } from "vitest";
import { checkReserve, createLeafSealer, leafCheck } from "../src/index.ts";
import { createLeafDocument, encodeLeafDocument } from "../src/leaf.ts";
import { openReserve } from "../src/reserve.ts";

async function openScene() {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-reserve-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const kms = await openLocalKms({ path: join(folder, "master.key") });
  const sealer = await createLeafSealer({ kms, service: "records" });
  const leaves = [0, 1, 2].map((i) =>
    createLeafDocument({ ids: randomIds, clock: systemClock, sealer }, "local/pat_1", true, {
      method: `a.B/C${i}`,
    }),
  );
  return { folder, sealer, leaves };
}

async function reserveOf(folder: string, records: readonly Uint8Array[]) {
  const path = join(folder, "records.leaves");
  const reserve = await openReserve({ path, bytes: 16_384 });
  for (const record of records) await reserve.append(record);
  await reserve.close();
  return path;
}

test("a reserve is whole as it is written, empty or not", async () => {
  const { folder, sealer, leaves } = await openScene();
  const path = await reserveOf(folder, leaves.map(encodeLeafDocument));
  expect(await checkReserve(path, sealer)).toEqual({ records: 3, findings: [] });
});

test("a bit in a record of the reserve is named, and what stands before it counts", async () => {
  const { folder, sealer, leaves } = await openScene();
  const path = await reserveOf(folder, leaves.map(encodeLeafDocument));
  const content = await readFile(path);
  content[encodeLeafDocument(leaves[0]!).length + 60]! ^= 2;
  await writeFile(path, content);
  const { records, findings } = await checkReserve(path, sealer);
  expect(records).toBe(1);
  expect(findings.map(({ what }) => what)).toEqual(["behind record 1 the reserve is torn, or damaged"]);
});

test("a leaf whose seal does not open is named, in the reserve and in the outbox", async () => {
  const { folder, sealer, leaves } = await openScene();
  const sealed = Uint8Array.from(leaves[1]!.sealed);
  sealed[20]! ^= 1;
  const damaged = { ...leaves[1]!, sealed };
  const path = await reserveOf(folder, [leaves[0]!, damaged, leaves[2]!].map(encodeLeafDocument));
  const { records, findings } = await checkReserve(path, sealer);
  expect(records).toBe(3);
  expect(findings.map(({ what }) => what)).toEqual(["record 1 of the reserve does not open"]);
  const check = leafCheck(sealer);
  expect(await check(leaves[0]!)).toBeUndefined();
  expect(await check(damaged)).toMatchObject({
    collection: "leaves",
    document: ["local/pat_1", damaged.id],
  });
});
