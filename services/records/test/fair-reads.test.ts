import { setTimeout } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { append, heartRates, openScene, queryInit, reasonOf } from "./world.ts";

const from = Date.UTC(2026, 3, 12, 6);

test("reads of one organization wait for each other, and another's never wait for them", async () => {
  const scene = await openScene();
  const { world, maker, clinic, patient } = scene;
  await append(scene, "r1", [heartRates(from, [60, 61, 62])]);
  let held = 0;
  let release!: () => void;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  world.store.scanning = () => {
    held += 1;
    return released;
  };

  // Each asks for another interval, so that none is answered by another's work.
  const loud = Array.from({ length: 10 }, (_, i) =>
    world.reader(clinic).querySeries(queryInit(world.idFor(clinic, patient), { from: from - i })),
  );
  await vi.waitFor(() => expect(held).toBeGreaterThan(0), 15_000);
  await setTimeout(50); // time for more of them, if they did not wait
  expect(held).toBeLessThanOrEqual(4);

  // Another organization's read is decided and logged meanwhile: it is denied here, because it has no consent.
  const other = world.reader(maker).querySeries(queryInit(world.idFor(maker, patient), { from }));
  expect(await reasonOf(other)).toBe("CONSENT_REQUIRED");

  release();
  const answers = await Promise.all(loud);
  expect(answers.every(({ series }) => series.length === 1)).toBe(true);
});

test("a tenant whose reads wait by the thousand is told to send fewer, and others are served", async () => {
  const scene = await openScene();
  const { world, maker, clinic, patient } = scene;
  await append(scene, "r1", [heartRates(from, [60])]);
  let release!: () => void;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  world.store.scanning = () => released;
  const outcomes = Array.from({ length: 1_020 }, async (_, i) => {
    const read = world
      .reader(clinic)
      .querySeries(queryInit(world.idFor(clinic, patient), { from: from - i }));
    return read.then(
      () => "answered",
      (error: unknown) => reasonOf(Promise.reject(error)),
    );
  });
  const other = world.reader(maker).querySeries(queryInit(world.idFor(maker, patient), { from }));
  expect(await reasonOf(other)).toBe("CONSENT_REQUIRED");
  release();
  const counts = Object.groupBy(await Promise.all(outcomes), (outcome) => outcome);
  expect(Object.keys(counts).sort()).toEqual(["TOO_MANY_CALLS", "answered"]);
  // Those that run, and a thousand that wait.
  expect(counts.answered!.length).toBeGreaterThanOrEqual(1_001);
  expect(counts.answered!.length).toBeLessThanOrEqual(1_004);
}, 60_000);
