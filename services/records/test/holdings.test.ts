/** What an organization may hold of a patient: what is refused, what never is, and where the count comes from. */
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, test } from "vitest";
import type { BlockDocument, Head } from "../src/blocks/documents.ts";
import { createHoldings } from "../src/write/holdings.ts";
import {
  append,
  application,
  HEART_RATE,
  heartRates,
  openScene,
  openWorld,
  readAll,
  reasonOf,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const { ACCEPTED, DUPLICATE } = ItemOutcome_Status;

/** An hour of beats that compress badly, of a device. */
const hour = (at: number, serial = "serial-1") => ({
  ...heartRates(
    T0 + at * 3_600_000,
    Array.from({ length: 3_600 }, (_, i) => 60 + ((i * i * 7919) % 97)),
    1_000,
  ),
  device: { identifier: serial, model: "Band" },
});

async function heldIn({ world, patient }: Awaited<ReturnType<typeof openScene>>) {
  const head = await world.store.get<Head>("heads", [patient.partition]);
  return head?.document.held ?? [];
}

async function bytesStored({ world, patient }: Awaited<ReturnType<typeof openScene>>) {
  const { documents } = await world.store.scan<BlockDocument>("blocks", {
    index: "by_sequence",
    equals: [patient.partition],
    limit: 100,
  });
  return documents.reduce((sum, { document }) => sum + document.sealed.length, 0);
}

describe("storage", () => {
  test("beyond the limit a batch is refused whole, and what was acknowledged stays as it was", async () => {
    const scene = await openScene({}, { storageMib: 12_000 / 1_048_576 });
    const answers = [];
    for (let i = 0; i < 6; i++) answers.push(await reasonOf(append(scene, `r${i}`, [hour(i)])));
    const stored = answers.filter((reason) => reason === "OK").length;
    expect(stored).toBeGreaterThan(1);
    expect(stored).toBeLessThan(6);
    expect(answers).toEqual(answers.map((_, i) => (i < stored ? "OK" : "STORAGE_LIMIT")));
    expect(await readAll(scene)).toHaveLength(stored * 3_600);
    expect(await heldIn(scene)).toEqual([
      { owner: expect.any(String), bytes: await bytesStored(scene), series: 1 },
    ]);
    // Sent again, an acknowledged batch is a duplicate and no refusal.
    const { items } = await append(scene, "r0", [hour(0)]);
    expect(items.map(({ status }) => status)).toEqual([DUPLICATE]);
  });

  test("each organization has its own, and an operator who raises the limit frees the batch that was refused", async () => {
    const limited = { storageMib: 6_000 / 1_048_576 };
    const scene = await openScene({}, limited);
    const { world, patient } = scene;
    let full = 0;
    while ((await reasonOf(append(scene, `r${full}`, [hour(full)]))) === "OK") full += 1;
    const other = application();
    const terms = { organization: other.organization, direction: Direction.CONTRIBUTE, codes: [HEART_RATE] };
    await world.grant(patient, terms);
    expect(await reasonOf(append({ ...scene, maker: other }, "r0", [hour(0)]))).toBe("OK");
    await world.close();
    const again = await openWorld({ folder: world.folder, patients: world.patients });
    await again.grant(patient, { ...terms, organization: scene.maker.organization });
    const { items } = await append({ ...scene, world: again }, `r${full}`, [hour(full)]);
    expect(items.map(({ status }) => status)).toEqual([ACCEPTED]);
  });

  test("is counted exactly where batches of two organizations are committed together", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    const other = application();
    const terms = { organization: other.organization, direction: Direction.CONTRIBUTE, codes: [HEART_RATE] };
    await world.grant(patient, terms);
    await Promise.all(
      [0, 1, 2, 3].flatMap((i) => [
        append(scene, `r${i}`, [hour(i, `serial-${i % 2}`)]),
        append({ ...scene, maker: other }, `r${i}`, [hour(i)]),
      ]),
    );
    const held = await heldIn(scene);
    expect(held.map(({ series }) => series).sort()).toEqual([1, 2]);
    expect(held.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(await bytesStored(scene));
  });

  test("of a patient who is erased is forgotten with the patient", async () => {
    const scene = await openScene();
    await append(scene, "r0", [hour(0)]);
    await scene.world.own(scene.patient).erasePatient({ patient: scene.world.ownId(scene.patient) });
    expect(await heldIn(scene)).toEqual([]);
  });
});

describe("series", () => {
  test("of more devices than there may be are refused, those that are known go on", async () => {
    const scene = await openScene({}, { series: 2 });
    await append(scene, "r1", [hour(0, "a"), hour(0, "b")]);
    expect(await reasonOf(append(scene, "r2", [hour(1, "c")]))).toBe("TOO_MANY_SERIES");
    expect(await reasonOf(append(scene, "r3", [hour(1, "a"), hour(1, "d")]))).toBe("TOO_MANY_SERIES");
    expect(await reasonOf(append(scene, "r4", [hour(1, "a"), hour(1, "b")]))).toBe("OK");
    expect((await heldIn(scene)).map(({ series }) => series)).toEqual([2]);
  });

  test("are counted once, also by a process that does not know them yet", async () => {
    const scene = await openScene({}, { series: 2 });
    const { world, maker, patient } = scene;
    await append(scene, "r1", [hour(0, "a"), hour(0, "b")]);
    await world.close();
    const again = await openWorld({ folder: world.folder, patients: world.patients, series: 2 });
    await again.grant(patient, {
      organization: maker.organization,
      direction: Direction.CONTRIBUTE,
      codes: [HEART_RATE],
    });
    const later = { ...scene, world: again };
    expect(await reasonOf(append(later, "r2", [hour(1, "a"), hour(1, "b")]))).toBe("OK");
    expect(await reasonOf(append(later, "r3", [hour(2, "c")]))).toBe("TOO_MANY_SERIES");
  });

  test("that two batches of one commit begin are one", async () => {
    const scene = await openScene({}, { series: 1 });
    const reasons = await Promise.all([0, 1, 2].map((i) => reasonOf(append(scene, `r${i}`, [hour(i, "a")]))));
    expect(reasons).toEqual(["OK", "OK", "OK"]);
    expect((await heldIn(scene)).map(({ series }) => series)).toEqual([1]);
  });
});

test("the limit itself may be reached, and a lowered one stops nothing that adds nothing", () => {
  const limits = { bytes: 100, series: 2 };
  const held = createHoldings([{ owner: "a", bytes: 90, series: 3 }], limits);
  expect(held.problemOf("a", 10, 0)).toBeUndefined();
  expect(held.problemOf("a", 11, 0)).toBe("STORAGE_LIMIT");
  expect(held.problemOf("a", 5, 1)).toBe("TOO_MANY_SERIES");
  expect(held.problemOf("b", 100, 2)).toBeUndefined();
  const full = createHoldings([{ owner: "a", bytes: 200, series: 0 }], limits);
  expect(full.problemOf("a", 0, 0)).toBeUndefined();
  expect(createHoldings(undefined, limits).all()).toBeUndefined();
});
