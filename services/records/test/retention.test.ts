import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { Erasure_State } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { Fact } from "@wellapi/journal";
import { type Clock, silentLogger } from "@wellapi/runtime";
import { describe, expect, it, vi } from "vitest";
import { createErasureRepository } from "../src/write/erasure-repository.ts";
import { createRetention, yearsBefore } from "../src/write/retention.ts";
import { append, heartRates, openScene, openWorld, type World, type WorldOptions } from "./world.ts";

const DAY = 86_400_000;

/** The machine's clock, moved. */
function movedClock() {
  const moved = { byMs: 0 };
  const clock: Clock = { now: () => Date.now() + moved.byMs, monotonic: () => performance.now() };
  return { moved, clock };
}

/** Moves the clock to this much before (or, negative, after) the end of six years. */
function toEnd(moved: { byMs: number }, beforeMs: number): void {
  const now = Date.now();
  moved.byMs = yearsBefore(now, -6) - now - beforeMs;
}

async function openErased(options: WorldOptions = {}) {
  const scene = await openScene({}, options);
  const { world, patient } = scene;
  await world.vault.create(patient.partition, "audit");
  await append(scene, "r1", [heartRates(Date.UTC(2016, 3, 12, 6), [70])]);
  await world.own(patient).erasePatient({ patient: world.ownId(patient) });
  return scene;
}

const auditKeys = ({ vault }: World, partition: string) => vault.keyIds(partition, "audit");
const stateOf = async ({ store }: World, partition: string) =>
  (await store.get("erasures", [partition]))!.document.state;

/** The sweep by itself, with each step in a list; a step whose name is in `failing` fails before it takes effect. */
function openRetention({ world }: Awaited<ReturnType<typeof openErased>>, years = 6) {
  const { moved, clock } = movedClock();
  const steps: string[] = [];
  const failing = new Set<string>();
  const told: Fact[] = [];
  const erasures = createErasureRepository(world.store);
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    if (failing.has(name)) throw new Error(`${name} failed`);
    steps.push(name);
    return work();
  };
  const retention = createRetention({
    clock,
    log: silentLogger,
    years,
    erasures: { ended: erasures.ended, save: (...save) => step("save", () => erasures.save(...save)) },
    consents: { deleteAll: () => step("consents", async () => {}) },
    vault: {
      keyIds: world.vault.keyIds,
      destroy: (partition, use) => step(`destroy ${use}`, () => world.vault.destroy(partition, use)),
    },
    journal: { tell: (fact) => step("journal", async () => void told.push(fact)) },
  });
  const sweep = () => retention.sweep(new AbortController().signal);
  return { moved, steps, failing, told, sweep };
}

const allSteps = ["consents", "destroy audit", "journal", "save"];

describe("the audit key of an erased patient", () => {
  it("lives until six years after the erasure, and is destroyed then", async () => {
    const scene = await openErased();
    const { world, patient } = scene;
    const { moved, steps, told, sweep } = openRetention(scene);
    toEnd(moved, DAY);
    await sweep();
    expect(steps).toEqual([]);
    expect(await auditKeys(world, patient.partition)).toHaveLength(1);
    toEnd(moved, -DAY);
    await sweep();
    expect(steps).toEqual(allSteps);
    await expect(world.vault.key(patient.partition, "audit")).rejects.toMatchObject({ code: "destroyed" });
    expect(told).toMatchObject([
      { kind: "retention_ended", partition: patient.partition, subject: expect.stringMatching(/^era_/) },
    ]);
    await sweep();
    expect(steps).toEqual(allSteps);
    const { erasure } = await world.own(patient).getErasure({ patient: world.ownId(patient) });
    expect(erasure).toMatchObject({ state: Erasure_State.DONE, receipt: { keysDestroyed: 1 } });
    const again = await world.own(patient).erasePatient({ patient: world.ownId(patient) });
    expect(again.erasure).toEqual(erasure);
  });

  it("follows the setting", async () => {
    const scene = await openErased();
    const { moved, steps, sweep } = openRetention(scene, 10);
    toEnd(moved, -DAY);
    await sweep();
    expect(steps).toEqual([]);
    moved.byMs += 4 * 366 * DAY;
    await sweep();
    expect(steps).toEqual(allSteps);
  });

  it.each(allSteps)("is destroyed by the next sweep where %s fails", async (step) => {
    const scene = await openErased();
    const { moved, steps, failing, sweep } = openRetention(scene);
    toEnd(moved, -DAY);
    failing.add(step);
    await sweep();
    expect(steps).toEqual(allSteps.slice(0, allSteps.indexOf(step)));
    failing.clear();
    steps.length = 0;
    await sweep();
    expect(steps).toEqual(allSteps);
    expect(await stateOf(scene.world, scene.patient.partition)).toBe("retired");
  });

  it("of nobody else is touched: not of a patient who lives, nor of one whose erasure is not complete", async () => {
    const scene = await openErased();
    const { world, patient } = scene;
    const living = world.patient();
    await world.vault.create(living.partition, "audit");
    const running = world.patient();
    await world.vault.create(running.partition, "audit");
    const scan = world.store.scan.bind(world.store);
    world.store.scan = (collection, ...rest) =>
      collection === "receipts" ? Promise.reject(new Error("cut")) : scan(collection, ...rest);
    await world
      .own(running)
      .erasePatient({ patient: world.ownId(running) })
      .catch(() => {});
    const { moved, sweep } = openRetention(scene);
    toEnd(moved, -DAY);
    await sweep();
    expect(await stateOf(world, running.partition)).toBe("running");
    expect(await auditKeys(world, patient.partition)).toEqual([]);
    for (const { partition } of [living, running]) expect(await auditKeys(world, partition)).toHaveLength(1);
  });

  it("is destroyed by the running service, and again where an older copy of the keys comes back", async () => {
    const { moved, clock } = movedClock();
    const { world, patient } = await openErased({ clock, retireEveryMs: 20 });
    const { partition } = patient;
    const keys = join(world.folder, "keys.db");
    await world.close();
    await copyFile(keys, `${keys}.older`);
    toEnd(moved, -DAY);

    const later = await openWorld({
      folder: world.folder,
      patients: world.patients,
      clock,
      retireEveryMs: 20,
    });
    await vi.waitFor(async () => expect(await stateOf(later, partition)).toBe("retired"), 15_000);
    expect(await auditKeys(later, partition)).toEqual([]);
    expect(later.consent.deleted).toEqual([partition]);
    await later.close();
    await copyFile(`${keys}.older`, keys);

    const restored = await openWorld({ folder: world.folder, patients: world.patients, clock });
    expect(await auditKeys(restored, partition)).toEqual([]);
    await expect(restored.vault.key(partition, "audit")).rejects.toMatchObject({ code: "destroyed" });
  });
});

it("counts years of the calendar", () => {
  expect(new Date(yearsBefore(Date.UTC(2032, 5, 1, 12), 6)).toISOString()).toBe("2026-06-01T12:00:00.000Z");
});
