/** What an organization may hold of all its patients together. */
import { randomBytes } from "node:crypto";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { randomIds } from "@wellapi/runtime";
import { describe, expect, test, vi } from "vitest";
import type { TotalDocument } from "../src/blocks/documents.ts";
import { createOrganizationTotals } from "../src/write/organization-totals.ts";
import { condition, openClinicalScene, store } from "./clinical/clinical-scene.ts";
import {
  append,
  application,
  HEART_RATE,
  heartRates,
  openScene,
  openWorld,
  readAll,
  reasonOf,
  type World,
  type WorldOptions,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
/** Some 4 KB, sealed. */
const hour = (at: number, serial = "serial-1") => ({
  ...heartRates(
    T0 + at * 3_600_000,
    Array.from({ length: 3_600 }, (_, i) => 60 + ((i * i * 7919) % 97)),
    1_000,
  ),
  device: { identifier: serial, model: "Band" },
});
/** So that only the close saves, where a test wants it so. */
const never = 1_000_000;

/** A maker with two patients who let it contribute. */
async function openTwo(options: WorldOptions) {
  const scene = await openScene({}, { saveTotalsEveryMs: 20, ...options });
  const { world, maker } = scene;
  const patient = world.patient();
  await world.grant(patient, terms(maker.organization));
  return { scene, other: { ...scene, patient } };
}

const terms = (organization: string) => ({
  organization,
  direction: Direction.CONTRIBUTE,
  codes: [HEART_RATE],
});

async function totalOf({ store, pairwise }: World, organization: string): Promise<Partial<TotalDocument>> {
  const id = pairwise.outward("organization totals", organization);
  const found = await store.get<TotalDocument>("organization_totals", [`organization/${id}`]);
  return found === undefined ? {} : { bytes: found.document.bytes, series: found.document.series };
}

describe("an organization's batches", () => {
  test("are refused beyond its storage of all patients, another's are not, and what was acknowledged stays", async () => {
    const { scene, other } = await openTwo({ organizationStorageMib: 10_000 / 1_048_576 });
    const answers = [];
    for (let i = 0; i < 3; i++) {
      answers.push(await reasonOf(append(scene, `r${i}`, [hour(i)])));
      answers.push(await reasonOf(append(other, `r${i}`, [hour(i)])));
    }
    const stored = answers.filter((reason) => reason === "OK").length;
    expect(stored).toBeGreaterThan(1);
    expect(stored).toBeLessThan(6);
    expect(answers).toEqual(answers.map((_, i) => (i < stored ? "OK" : "ORGANIZATION_STORAGE_LIMIT")));
    expect(await readAll(scene)).toHaveLength(Math.ceil(stored / 2) * 3_600);
    const maker = application();
    await scene.world.grant(scene.patient, terms(maker.organization));
    expect(await reasonOf(append({ ...scene, maker }, "r0", [hour(0)]))).toBe("OK");
  });

  test("are refused beyond its series of all patients; series that are known go on", async () => {
    const { scene, other } = await openTwo({ organizationSeries: 2 });
    expect(await reasonOf(append(scene, "r1", [hour(0)]))).toBe("OK");
    expect(await reasonOf(append(other, "r1", [hour(0)]))).toBe("OK");
    expect(await reasonOf(append(other, "r2", [hour(1, "another")]))).toBe("ORGANIZATION_SERIES_LIMIT");
    expect(await reasonOf(append(scene, "r3", [hour(1)]))).toBe("OK");
  });

  test("count for it after a restart, and a repeated one does not count again", async () => {
    const { scene, other } = await openTwo({ saveTotalsEveryMs: never });
    const { world, maker, patient } = scene;
    await append(scene, "r1", [hour(0)]);
    await append(scene, "r1", [hour(0)]);
    await append(other, "r1", [hour(0)]);
    await world.close();
    const again = await openWorld({
      folder: world.folder,
      patients: world.patients,
      organizationSeries: 2,
      saveTotalsEveryMs: never,
    });
    expect(await totalOf(again, maker.organization)).toEqual({ bytes: expect.any(Number), series: 2 });
    await again.grant(patient, terms(maker.organization));
    const later = { ...scene, world: again };
    expect(await reasonOf(append(later, "r2", [hour(1, "new")]))).toBe("ORGANIZATION_SERIES_LIMIT");
  });

  test("of an erased patient count no more", async () => {
    const { scene, other } = await openTwo({ organizationSeries: 2 });
    const { world, maker, patient } = scene;
    await append(scene, "r1", [hour(0)]);
    await append(other, "r1", [hour(0)]);
    await vi.waitFor(
      async () => expect(await totalOf(world, maker.organization)).toMatchObject({ series: 2 }),
      {
        timeout: 15_000,
      },
    );
    const { bytes } = await totalOf(world, maker.organization);
    await world.own(patient).erasePatient({ patient: world.ownId(patient) });
    await vi.waitFor(
      async () => expect(await totalOf(world, maker.organization)).toEqual({ bytes: bytes! / 2, series: 1 }),
      { timeout: 15_000 },
    );
    expect(await reasonOf(append(other, "r2", [hour(1, "new")]))).toBe("OK");
  });
});

test("clinical records count for their organization as its batches do", async () => {
  const scene = await openClinicalScene(undefined, {}, { organizationStorageMib: 6_000 / 1_048_576 });
  const answers = [];
  for (let i = 0; i < 5; i++) {
    // Random, because what repeats takes no room.
    const note = [{ text: randomBytes(1_500).toString("base64") }];
    answers.push(await reasonOf(store(scene, condition(scene, "E11.9", { note }))));
  }
  const stored = answers.filter((reason) => reason === "OK").length;
  expect(stored).toBeGreaterThan(0);
  expect(stored).toBeLessThan(5);
  expect(answers).toEqual(answers.map((_, i) => (i < stored ? "OK" : "ORGANIZATION_STORAGE_LIMIT")));
});

const org = randomIds.next("org");

describe("the count", () => {
  test("of two replicas is one, also where both save at once", async () => {
    const { world } = await openScene();
    const limits = { bytes: 1_000, series: 10 };
    const [one, two] = [
      createOrganizationTotals(world.store, world.pairwise, limits),
      createOrganizationTotals(world.store, world.pairwise, limits),
    ];
    expect(await two.problemOf(org, { bytes: 1_000, series: 0 })).toBeUndefined();
    for (let i = 0; i < 5; i++) {
      one.add(org, { bytes: 100, series: 1 });
      two.add(org, { bytes: 100, series: 1 });
      await Promise.all([one.save(), two.save()]);
    }
    expect(await totalOf(world, org)).toEqual({ bytes: 1_000, series: 10 });
    // What the other one added is seen once this one has looked again.
    await two.save();
    expect(await two.problemOf(org, { bytes: 1, series: 0 })).toBe("ORGANIZATION_STORAGE_LIMIT");
    expect(await two.problemOf(org, { bytes: 0, series: 1 })).toBe("ORGANIZATION_SERIES_LIMIT");
    expect(await two.problemOf(org, { bytes: 0, series: 0 })).toBeUndefined();
  });

  test("keeps what could not be stored for the next time, and what is added meanwhile", async () => {
    const { world } = await openScene({}, { saveTotalsEveryMs: never });
    const totals = createOrganizationTotals(world.store, world.pairwise, { bytes: 300, series: 10 });
    totals.add(org, { bytes: 100, series: 1 });
    world.store.mode = "refuses";
    await expect(totals.save()).rejects.toThrow("the disk is full");
    expect(await totals.problemOf(org, { bytes: 201, series: 0 })).toBe("ORGANIZATION_STORAGE_LIMIT");
    world.store.mode = "works";
    const saving = totals.save();
    totals.add(org, { bytes: 50, series: 0 });
    await saving;
    await totals.save();
    expect(await totalOf(world, org)).toEqual({ bytes: 150, series: 1 });
    expect(await totals.organizations()).toEqual([org]);
  });

  test("is never below nothing", async () => {
    const { world } = await openScene({}, { saveTotalsEveryMs: never });
    const totals = createOrganizationTotals(world.store, world.pairwise, { bytes: 300, series: 10 });
    totals.add(org, { bytes: -100, series: -1 });
    await totals.save();
    expect(await totalOf(world, org)).toEqual({ bytes: 0, series: 0 });
  });
});
