import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { createDamageReporter, randomIds, silentLogger } from "@wellapi/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBlockRepository } from "../src/blocks/block-repository.ts";
import type { Head, ReleaseDocument, SeriesDocument } from "../src/blocks/documents.ts";
import { createPatientQueue } from "../src/blocks/patient-queue.ts";
import { recordsCheck } from "../src/check.ts";
import { createPass } from "../src/compaction/compaction-pass.ts";
import { LOT_LEVELS, type Lot } from "../src/lots/lots.ts";
import { decodeLots, decodeTold, encodeLots, encodeTold, lotId } from "../src/lots/release-codec.ts";
import { createReleaseRepository } from "../src/lots/release-repository.ts";
import { createReleases } from "../src/lots/releases.ts";
import { ask, DAY, HOUR, instants, openReleaseScene, type ReleaseScene, send } from "./release-scene.ts";
import { allBytes, HEART_RATE, reasonOf } from "./world.ts";

/** Tuesday 12 April 2016, 00:00 in Berlin. */
const midnight = Date.UTC(2016, 3, 11, 22);

async function documentsOf({ world, patient }: ReleaseScene) {
  const { documents } = await world.store.scan<ReleaseDocument>("releases", {
    equals: [patient.partition],
    limit: 100,
  });
  return documents;
}

/** Another process over the same store: it shares neither the queue nor what is remembered. */
async function replicaOf({ world, patient, clock }: ReleaseScene) {
  const { store, vault } = world;
  const damage = createDamageReporter({ store: "records", log: silentLogger });
  const blocks = createBlockRepository(store, vault, damage);
  const repository = createReleaseRepository(store, vault, createPatientQueue(), damage);
  const releases = createReleases({ store, vault, clock, blocks, releases: repository }, 5);
  const { documents } = await store.scan<SeriesDocument>("series", {
    equals: [patient.partition],
    limit: 10,
  });
  const { series } = documents[0]!.document;
  return () =>
    releases.told(patient.partition, series, { from: midnight, to: midnight + DAY }, [
      { from: Number.NEGATIVE_INFINITY, zone: "Europe/Berlin" },
    ]);
}

describe("lots in the store", () => {
  it("are the same for replicas that make them at once: each sample is told once", async () => {
    const scene = await openReleaseScene(midnight);
    for (let hour = 0; hour < 24; hour++) await send(scene, `r${hour}`, instants(midnight + hour * HOUR, 7));
    scene.clock.time = midnight + DAY + HOUR;
    const replicas = await Promise.all(Array.from({ length: 4 }, () => replicaOf(scene)));
    // All of them have read before the first of them writes.
    const { commit } = scene.world.store;
    let waiting = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    scene.world.store.commit = async (changes) => {
      if (++waiting === replicas.length) resolve();
      await promise;
      return commit.call(scene.world.store, changes);
    };
    const told = await Promise.all(replicas.map((replica) => replica()));
    scene.world.store.commit = commit;
    expect(waiting).toBeGreaterThanOrEqual(replicas.length);
    for (const { lots } of told) {
      expect(lots.map(({ id, added }) => [id, added])).toEqual(
        told[0]!.lots.map(({ id, added }) => [id, added]),
      );
      expect(lots.reduce((sum, { added }) => sum + added, 0)).toBe(24 * 7);
    }
    const [day] = await ask(scene, scene.daily, BucketSize.DAY, midnight, midnight + DAY);
    expect(day!.count).toBe(24 * 7);
  });

  it("are written once, and not again while nothing changes", async () => {
    const scene = await openReleaseScene(midnight);
    await send(scene, "r1", instants(midnight, 60));
    scene.clock.time = midnight + 80 * DAY;
    const days = () => ask(scene, scene.daily, BucketSize.DAY, midnight, midnight + DAY);
    const first = await days();
    const revisions = (await documentsOf(scene)).map(({ revision }) => revision);
    expect(revisions).toEqual([1]);
    await send(scene, "r2", instants(midnight + 70 * DAY, 60));
    scene.clock.time += 5 * HOUR;
    expect(await days()).toEqual(first);
    const now = await documentsOf(scene);
    expect(now.map(({ revision }) => revision)).toEqual(revisions);
    const [{ document }] = now as [(typeof now)[number]];
    expect(Object.keys(document).sort()).toEqual(["lots", "month", "partition", "series", "told", "version"]);
  });

  it("are waited for by nobody while an import is merged: samples move between any two steps", async () => {
    const scene = await openReleaseScene(midnight);
    const { world, daily, clock, patient } = scene;
    const { store } = world;
    const months = async (days: number) => {
      const told = await ask(scene, daily, BucketSize.MONTH, midnight - 60 * DAY, midnight + days * DAY);
      return told.reduce((sum, { count }) => sum + count, 0);
    };
    /** Reads while `move` follows each step; returns how often it did. */
    const whileMoved = async (move: () => Promise<unknown>, days: number, count: number) => {
      const { scan } = store;
      let moved = 0;
      store.scan = async (collection, asked) => {
        const page = await scan.call(store, collection, asked);
        if (collection === "blocks" && asked.index === "by_from" && asked.limit >= 40) {
          moved += 1;
          await move();
        }
        return page as never;
      };
      expect(await months(days)).toBe(count);
      store.scan = scan;
      return moved;
    };
    // More blocks than one step has, none near enough to another to be merged with it.
    const far = 45 * 32;
    await Promise.all(
      Array.from({ length: 45 }, (_, i) => send(scene, `far${i}`, instants(midnight + i * 32 * DAY, 7))),
    );
    clock.time = midnight + far * DAY;
    const queue = createPatientQueue();
    const deps = { store, vault: world.vault, queue, clock, ids: randomIds, damage: { report() {} } };
    const pass = createPass(deps, new AbortController().signal);
    let early = 0;
    const merge = async () => {
      early += 1;
      await send(scene, `early${early}`, instants(midnight - early * HOUR, 7));
      await pass(patient.partition);
    };
    // Those that came within this hour are not told.
    expect(await whileMoved(merge, far, 45 * 7)).toBeGreaterThan(1);
    clock.time += 30 * DAY;
    await Promise.all(
      Array.from({ length: 90 }, (_, i) =>
        send(scene, `near${i}`, instants(midnight + far * DAY + i * HOUR, 7)),
      ),
    );
    clock.time += DAY;
    // As another series moves them.
    const elsewhere = async () => {
      const { document, revision } = (await store.get<Head>("heads", [patient.partition]))!;
      const head = { ...document, moves: (document.moves ?? 0) + 1 };
      const change = { kind: "replace" as const, collection: "heads", document: head, ifRevision: revision };
      await store.commit({ partition: patient.partition, changes: [change] });
    };
    expect(await whileMoved(elsewhere, far + 60, (45 + early + 90) * 7)).toBeGreaterThan(3);
  });

  it("go with the patient's erasure, also those that are being made", async () => {
    const scene = await openReleaseScene(midnight);
    const { world, patient, daily, clock } = scene;
    await send(scene, "r1", instants(midnight, 60));
    clock.time = midnight + DAY;
    const replica = await replicaOf(scene);
    expect((await replica()).lots).toHaveLength(1);
    expect(await documentsOf(scene)).toHaveLength(1);
    await send(scene, "r2", instants(midnight + 2 * HOUR, 60));
    clock.time += HOUR;
    // It has read and sealed, and is about to write.
    const { commit } = world.store;
    let erased: unknown;
    world.store.commit = async (asked) => {
      if (asked.changes.some(({ collection }) => collection === "releases")) {
        world.store.commit = commit;
        erased = await world.own(patient).erasePatient({ patient: world.ownId(patient) });
      }
      return commit.call(world.store, asked);
    };
    expect((await replica()).lots).toEqual([]);
    expect(erased).toBeDefined();
    expect(await documentsOf(scene)).toEqual([]);
    const again = ask(scene, daily, BucketSize.DAY, midnight, midnight + DAY);
    expect(await reasonOf(again)).toBe("CONSENT_REQUIRED");
  });

  it("are sealed, each in its place and of its time", async () => {
    const scene = await openReleaseScene(midnight);
    const { world, daily, clock, patient } = scene;
    await send(scene, "r1", instants(midnight, 60));
    clock.time = midnight + DAY;
    const days = () => ask(scene, daily, BucketSize.DAY, midnight, midnight + DAY);
    expect(await days()).toHaveLength(1);
    const [stored] = await documentsOf(scene);
    const check = recordsCheck({ reads: world.store, vault: world.vault, sealer: undefined as never });
    const look = check.documents.releases!;
    expect(await look(stored!.document)).toBeUndefined();
    const moved = { ...stored!.document, version: stored!.document.version + 1 };
    const replace = { kind: "replace" as const, collection: "releases", document: moved, ifRevision: 1 };
    expect((await world.store.commit({ partition: patient.partition, changes: [replace] })).committed).toBe(
      true,
    );
    expect(await look(moved)).toMatchObject({ what: "its seal does not open" });
    await send(scene, "r2", instants(midnight + HOUR, 60)); // what was opened is no longer of this revision
    expect(await reasonOf(days())).toBe("DATA_DAMAGED");
    await world.close();
    const bytes = await allBytes(world.folder);
    for (const canary of ["serial-1", "Band", HEART_RATE]) expect(bytes.includes(canary)).toBe(false);
  });

  it("are read as they were written, whatever is in them", () => {
    const exact = fc.record({ mantissa: fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), scale: fc.nat(9) });
    const number = fc.nat(1_000_000);
    const formats = fc.constantFrom(
      [{ coding: null, unit: "/min" }],
      [{ coding: null, unit: "kg" }],
      [
        { coding: { system: "s", code: "8480-6" }, unit: "mm[Hg]" },
        { coding: { system: "s", code: "8462-4" }, unit: "mm[Hg]" },
      ],
    );
    const lot = fc
      .record({
        level: fc.constantFrom(...LOT_LEVELS),
        from: fc.integer({ min: -60_000_000_000_000, max: 250_000_000_000_000 }),
        formats,
        numbers: fc.tuple(number, number, number, number, number, number),
        sums: fc.tuple(exact, exact, exact, exact),
        takes: fc.array(fc.tuple(number, number), { maxLength: 3 }),
        tangled: fc.boolean(),
      })
      .map(({ level, from, formats: of, numbers, sums, takes, tangled }): Omit<Lot, "id"> => {
        const [length, added, removed, left, plain, lost] = numbers;
        return {
          ...{ level, from, to: from + length, formats: of, added, removed, left, plain, lost, tangled },
          ...{
            takes: new Map(takes),
            sums: sums.slice(0, of.length),
            leftSums: sums.slice(2, 2 + of.length),
          },
        };
      });
    const property = fc.property(fc.array(lot, { maxLength: 30 }), fc.nat(30_000), (some, month) => {
      const lots = some.map((one, i) => ({ ...one, id: lotId(month, i) }));
      const whole = { lots, seen: "seen", newest: undefined };
      expect(decodeLots(month, encodeLots(whole))).toEqual(whole);
    });
    fc.assert(property, { numRuns: 100 });
    // Two of one instant, and more than a block holds.
    const column = (value: (i: number) => number) =>
      Float64Array.from({ length: 120_000 }, (_, i) => value(i));
    const told = {
      times: column((i) => midnight + (i >> 1) * 1_000),
      ranks: column((i) => 4_096 * i),
      lots: column((i) => lotId(24_195, i % 700)),
      takers: column((i) => (i & 1) * lotId(24_195, 7)),
      marks: column((i) => (i % 7) - 1),
    };
    expect(decodeTold(encodeTold(told))).toEqual(told);
  });
});
