import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { randomIds, systemClock } from "@wellapi/runtime";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import type { BlockDocument, CompactedDocument, Head } from "../src/blocks/documents.ts";
import { isCompacted } from "../src/blocks/documents.ts";
import { createPatientQueue } from "../src/blocks/patient-queue.ts";
import { createPass } from "../src/compaction/compaction-pass.ts";
import { resumeTokenAfter, sequencesByBatch } from "./watching.ts";
import { allBytes, append, heartRates, openScene, queryInit, readAll, samplesOf } from "./world.ts";

type Scene = Awaited<ReturnType<typeof openScene>>;

const MINUTE = 60_000;
const start = Date.UTC(2016, 3, 12, 6);

function passOf({ world }: Scene) {
  const { store, vault } = world;
  const deps = {
    store,
    vault,
    queue: createPatientQueue(),
    clock: systemClock,
    ids: randomIds,
    damage: { report() {} },
  };
  return createPass(deps, new AbortController().signal);
}

async function blocksOf({ world, patient }: Scene) {
  const page = await world.store.scan<BlockDocument | CompactedDocument>("blocks", {
    equals: [patient.partition],
    limit: 10_000,
  });
  const documents = page.documents.map(({ document }) => document);
  return { compacted: documents.filter(isCompacted), loose: documents.filter((one) => !isCompacted(one)) };
}

/** A batch of one series at minutes of its own choice. */
function batch(minutes: readonly number[], value: number, model = "Band") {
  const sorted = [...minutes].sort((a, b) => a - b);
  const gapsMs = sorted.slice(1).map((minute, i) => (minute - sorted[i]!) * MINUTE);
  const rates = heartRates(
    start + sorted[0]! * MINUTE,
    sorted.map(() => value),
  );
  const spacing = { case: "gaps" as const, value: { gapsMs } };
  return {
    ...rates,
    device: { identifier: "serial-1", model },
    times: { ...rates.times, ...(sorted.length > 1 ? { spacing } : {}) },
  };
}

/** Minutes alone, as a device sends them while it is worn. */
async function minutes(scene: Scene, count: number, from = 0) {
  for (let first = from; first < from + count; first += 32) {
    const some = Array.from({ length: Math.min(32, from + count - first) }, (_, i) => first + i);
    await Promise.all(
      some.map((minute) => append(scene, `m${minute}`, [batch([minute], 60 + (minute % 40))])),
    );
  }
}

/** Of all hours. */
async function countAndSum({ world, clinic, patient }: Scene) {
  const query = queryInit(world.idFor(clinic, patient), { from: start, to: start + 24 * 60 * MINUTE });
  const { aggregates } = await world
    .reader(clinic)
    .aggregateSeries({ ...query, bucketSize: BucketSize.HOUR });
  const buckets = aggregates.flatMap((aggregate) => aggregate.buckets);
  return [
    buckets.reduce((total, { count }) => total + Number(count), 0),
    buckets.reduce((total, { sum }) => total + Number(sum), 0),
  ];
}

/** What a watch from the beginning delivers: [sequence, time, value], and retractions. */
async function watched(scene: Scene, last: number, after = 0) {
  const { world, clinic, patient } = scene;
  const { code, purpose } = queryInit("", {});
  const query = { patient: world.idFor(clinic, patient), codes: [code], purpose };
  const sequences = await sequencesByBatch(scene, last);
  const seen = new Map<string, number>();
  const retracted = new Set<number>();
  const ends = new AbortController();
  onTestFinished(() => ends.abort());
  const stream = world
    .reader(clinic)
    .watchSeries({ ...query, resumeToken: resumeTokenAfter(scene, query, after) }, { signal: ends.signal });
  const order: number[] = [];
  try {
    for await (const { payload } of stream) {
      if (payload.case === "retraction") retracted.add(sequences.get(payload.value.batch)!);
      if (payload.case === "series") {
        const sequence = sequences.get(payload.value.batch)!;
        order.push(sequence);
        for (const [time, value] of samplesOf(payload.value.series!)) {
          expect(seen.has(`${sequence} ${time}`), `commit ${sequence} once`).toBe(false);
          seen.set(`${sequence} ${time}`, value);
        }
      }
      if (order.at(-1) === last) ends.abort();
    }
  } catch (error) {
    if (!ends.signal.aborted) throw error;
  }
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  return { seen, retracted };
}

function retractionOf({ world, maker, patient }: Scene, id: string) {
  return {
    patient: world.idFor(maker, patient),
    target: { case: "batch" as const, value: id },
    reason: RetractionReason.ENTERED_IN_ERROR,
  };
}

describe("compaction", () => {
  it("makes one block of minutes that arrived alone, and a reader sees no difference", async () => {
    const scene = await openScene();
    await minutes(scene, 60);
    const before = await readAll(scene);
    expect(before).toHaveLength(60);
    await passOf(scene)(scene.patient.partition);
    const { compacted, loose } = await blocksOf(scene);
    expect([compacted.length, loose.length]).toEqual([1, 0]);
    expect(compacted[0]!.count).toBe(60);
    expect(await readAll(scene)).toEqual(before);
    const head = await scene.world.store.get<Head>("heads", [scene.patient.partition]);
    expect(head!.document).toMatchObject({ compacted: 60, sequence: 60 });
    expect(head!.document.loose_since_ms).toBeUndefined();
    // A minute takes some bytes, not a kilobyte.
    expect(compacted[0]!.sealed.length).toBeLessThan(60 * 12);
    await minutes(scene, 20, 60);
    await passOf(scene)(scene.patient.partition);
    expect((await blocksOf(scene)).compacted.map(({ count }) => count)).toEqual([80]);
    expect(await readAll(scene)).toHaveLength(80);
  });

  it("is done in the background for what has waited, and stops with the service", async () => {
    const scene = await openScene({}, { compactAfterMs: 100 });
    await minutes(scene, 16);
    await expect
      .poll(async () => (await blocksOf(scene)).loose.length, { timeout: 15_000, interval: 20 })
      .toBe(0);
    expect(await readAll(scene)).toHaveLength(16);
  });

  it("changes nothing that can be read, watched or taken back, whatever was sent and in whatever order", async () => {
    const scene = await openScene();
    const sent = fc.record({
      minutes: fc.uniqueArray(fc.nat(12), { minLength: 1, maxLength: 6 }),
      model: fc.constantFrom("Band", "Ring"),
    });
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant("append" as const), sent }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("compact" as const) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("retract" as const), which: fc.nat(20) }) },
    );
    let runs = 0;
    const property = fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 10 }), async (steps) => {
      runs++;
      const patient = scene.world.patient();
      const run: Scene = { ...scene, patient };
      for (const [application, direction] of [
        [scene.maker, Direction.CONTRIBUTE],
        [scene.clinic, Direction.READ],
      ] as const) {
        const { organization } = application;
        await scene.world.grant(patient, { organization, direction, codes: ["8867-4"] });
      }
      const pass = passOf(run);
      const batches: { id: string; sequence: number; minutes: number[]; value: number; gone: boolean }[] = [];
      for (const [i, one] of steps.entries()) {
        if (one.kind === "compact") await pass(patient.partition);
        if (one.kind === "append") {
          const value = 60 + i;
          const receipt = await append(run, `r${i}`, [batch(one.sent.minutes, value, one.sent.model)]);
          const sequence = await scene.world.sequenceOf(patient);
          batches.push({ id: receipt.batch, sequence, minutes: one.sent.minutes, value, gone: false });
        }
        const target = one.kind === "retract" ? batches[one.which % Math.max(1, batches.length)] : undefined;
        if (target !== undefined && !target.gone) {
          await scene.world.writer(scene.maker).retractBatch({ retraction: retractionOf(run, target.id) });
          target.gone = true;
        }
        const winners = new Map<number, number>();
        for (const { minutes: at, value, gone } of batches) {
          if (!gone) for (const minute of at) winners.set(start + minute * MINUTE, value);
        }
        expect(await readAll(run)).toEqual([...winners].sort(([a], [b]) => a - b));
        // Asked anew after each step: nothing that was opened for the question before may answer this one.
        const sum = [...winners.values()].reduce((total, value) => total + value, 0);
        expect(await countAndSum(run)).toEqual([winners.size, sum]);
      }
      const left = batches.filter(({ gone }) => !gone);
      if (left.length === 0) return;
      // All but the oldest that is left, as after a cut.
      const after = left[0]!.sequence;
      await append(run, "end", [batch([50], 50)]);
      const end = { sequence: await scene.world.sequenceOf(patient), minutes: [50], value: 50 };
      const { seen } = await watched(run, end.sequence, after);
      const expected = new Map(
        [...left.slice(1), end].flatMap(({ sequence, minutes: at, value }) =>
          at.map((minute) => [`${sequence} ${start + minute * MINUTE}`, value] as const),
        ),
      );
      for (const [key, value] of expected) expect(seen.get(key)).toBe(value);
      expect(seen.size).toBe(expected.size);
    });
    await fc.assert(property, { numRuns: 6, endOnFailure: true });
    expect(runs).toBeGreaterThan(0);
  }, 60_000);

  it("leaves no small block between what it merges", async () => {
    const scene = await openScene();
    const pass = passOf(scene);
    const ten = (from: number) => Array.from({ length: 10 }, (_, i) => from + i);
    await append(scene, "between", [batch(ten(20), 70)]);
    await pass(scene.patient.partition);
    await append(scene, "before", [batch(ten(0), 60)]);
    await append(scene, "after", [batch(ten(40), 80)]);
    await pass(scene.patient.partition);
    const { compacted, loose } = await blocksOf(scene);
    expect(loose).toEqual([]);
    expect(compacted.map(({ count }) => count)).toEqual([30]);
    expect(await readAll(scene)).toHaveLength(30);
  });

  it("loses and doubles nothing, whichever commit is the last before a crash", async () => {
    const scene = await openScene();
    const { store } = scene.world;
    await minutes(scene, 10);
    await append(scene, "late", [batch([3, 4, 50], 99)]);
    const whole = await readAll(scene);
    const commit = store.commit;
    for (const mode of ["refuses", "commits_and_fails"] as const) {
      for (let survived = 0; ; survived++) {
        await append(scene, `more.${mode}.${survived}`, [
          batch([60 + survived], 80),
          batch([61], 81, "Ring"),
        ]);
        const expected = await readAll(scene);
        let left = survived;
        store.commit = async (changes) => {
          store.mode = left-- > 0 ? "works" : mode;
          return commit.call(store, changes);
        };
        const ended = await passOf(scene)(scene.patient.partition).then(
          () => true,
          () => false,
        );
        store.commit = commit;
        store.mode = "works";
        expect(await readAll(scene)).toEqual(expected);
        if (ended) break;
      }
    }
    await passOf(scene)(scene.patient.partition);
    const rest = await readAll(scene);
    expect(rest.slice(0, whole.length)).toEqual(whole);
    expect((await blocksOf(scene)).loose).toEqual([]);
  });

  it("is not noticed by a read or a watch that is between two steps", async () => {
    const scene = await openScene();
    const { store } = scene.world;
    await minutes(scene, 40);
    const whole = await readAll(scene);
    const scan = store.scan;
    for (const index of ["by_from", "by_sequence"]) {
      let scans = 0;
      store.scan = async (collection, asked) => {
        const page = await scan.call(store, collection, asked);
        if (collection === "blocks" && asked.index === index && ++scans === 2) {
          await passOf(scene)(scene.patient.partition);
        }
        return page as never;
      };
      if (index === "by_from") expect(await readAll(scene)).toEqual(whole);
      else expect((await watched(scene, 80)).seen.size).toBe(80);
      store.scan = scan;
      if (index === "by_from") await minutes(scene, 40, 40);
    }
    expect((await blocksOf(scene)).loose).toEqual([]);
  });

  it("is not waited for by a chart: what has just arrived is read once, with its hours", async () => {
    const scene = await openScene();
    const { world, patient, clinic } = scene;
    const minutesOf = (hour: number) => Array.from({ length: 60 }, (_, minute) => hour * 60 + minute);
    for (const hour of [0, 1, 2]) await append(scene, `hour${hour}`, [batch(minutesOf(hour), 60 + hour)]);
    const scan = world.store.scan;
    let steps: (number | undefined)[] = [];
    world.store.scan = (collection, asked) => {
      if (collection === "blocks" && asked.index === "by_from") steps.push(asked.limit);
      return scan.call(world.store, collection, asked) as never;
    };
    expect(await countAndSum(scene)).toEqual([180, 60 * (60 + 61 + 62)]);
    expect(steps).toEqual([40]);
    steps = [];
    // Of minutes no hour is read.
    const query = queryInit(world.idFor(clinic, patient), { from: start, to: start + 180 * MINUTE });
    const { aggregates } = await world
      .reader(clinic)
      .aggregateSeries({ ...query, bucketSize: BucketSize.MINUTE });
    expect(aggregates[0]!.buckets.map(({ count }) => Number(count))).toEqual(Array(180).fill(1));
    expect(steps).not.toContain(40);
  });

  it("keeps no chart waiting: where samples move between any two steps, hours are not waited for", async () => {
    const scene = await openScene();
    const { world, patient, clinic } = scene;
    const month = 32 * 24 * 60;
    // More blocks than one step has, none near enough to another to be merged with it.
    const far = Array.from({ length: 45 }, (_, i) => append(scene, `far${i}`, [batch([i * month], 60 + i)]));
    await Promise.all(far);
    const scan = world.store.scan;
    let moved = 0;
    world.store.scan = async (collection, asked) => {
      const page = await scan.call(world.store, collection, asked);
      if (collection === "blocks" && asked.index === "by_from" && asked.limit === 40) {
        moved += 1;
        await append(scene, `before${moved}`, [batch([-moved], 1)]);
        await passOf(scene)(patient.partition);
      }
      return page as never;
    };
    const interval = { from: start, to: start + 45 * month * MINUTE };
    const query = queryInit(world.idFor(clinic, patient), interval);
    const { aggregates } = await world
      .reader(clinic)
      .aggregateSeries({ ...query, bucketSize: BucketSize.MONTH });
    const buckets = aggregates.flatMap((aggregate) => aggregate.buckets);
    expect(buckets.reduce((sum, one) => sum + Number(one.sum), 0)).toBe((45 * (60 + 104)) / 2);
    expect(moved).toBeGreaterThan(3);
  });

  it("is found by a watch also where the head of an earlier version does not say how far it went", async () => {
    const scene = await openScene();
    const { store } = scene.world;
    const { partition } = scene.patient;
    await minutes(scene, 40);
    await passOf(scene)(partition);
    const { document, revision } = (await store.get<Head>("heads", [partition]))!;
    const { moved_to, ...before } = document;
    expect(moved_to).toBe(40);
    const replaced = {
      kind: "replace" as const,
      collection: "heads",
      document: before,
      ifRevision: revision,
    };
    await store.commit({ partition, changes: [replaced] });
    expect((await watched(scene, 40)).seen.size).toBe(40);
  });

  it("gives way to an append, a retraction and an erasure that come between", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    await minutes(scene, 12);
    const receipt = await append(scene, "wrong", [batch([2, 3], 99)]);
    const scan = world.store.scan;
    let between: (() => Promise<unknown>) | undefined;
    world.store.scan = async (collection, asked) => {
      const page = await scan.call(world.store, collection, asked);
      const then = asked.index === "by_from" ? between : undefined;
      if (then !== undefined) between = undefined;
      await then?.();
      return page as never;
    };
    between = () => world.writer(maker).retractBatch({ retraction: retractionOf(scene, receipt.batch) });
    await expect(passOf(scene)(patient.partition)).rejects.toThrow("another commit");
    expect((await readAll(scene)).map(([, value]) => value)).not.toContain(99);
    between = () => append(scene, "meanwhile", [batch([21], 70)]);
    await passOf(scene)(patient.partition);
    expect(await readAll(scene)).toHaveLength(13);
    await append(scene, "last", [batch([22], 70)]);
    between = () => world.own(patient).erasePatient({ patient: world.ownId(patient) });
    await expect(passOf(scene)(patient.partition)).rejects.toThrow();
    const { compacted, loose } = await blocksOf(scene);
    expect([...compacted, ...loose]).toEqual([]);
  });

  it("keeps codes, devices and identifiers sealed", async () => {
    const scene = await openScene();
    await minutes(scene, 10);
    await passOf(scene)(scene.patient.partition);
    await scene.world.close();
    const bytes = await allBytes(scene.world.folder);
    for (const canary of ["serial-1", "Band", "8867-4", scene.maker.organization]) {
      expect(bytes.includes(canary)).toBe(false);
    }
  });
});
