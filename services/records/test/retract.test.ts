import { fromBinary } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { BatchCommittedSchema } from "@wellapi/gen/wellapi/internal/records/v1/records_events_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { randomIds, systemClock } from "@wellapi/runtime";
import type { Commit, OutboxEvent } from "@wellapi/store";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  type BlockDocument,
  type CompactedDocument,
  type Head,
  isCompacted,
} from "../src/blocks/documents.ts";
import { headChange, loadHead } from "../src/blocks/head-repository.ts";
import { createPatientQueue } from "../src/blocks/patient-queue.ts";
import { createPass } from "../src/compaction/compaction-pass.ts";
import { createRetract } from "../src/write/retract.ts";
import {
  append,
  application,
  heartRates,
  openScene,
  queryInit,
  readAll,
  reasonOf,
  WEIGHT,
  type WorldOptions,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const MINUTE = 60_000;

type Scene = Awaited<ReturnType<typeof openScene>>;

function retract(
  { world, maker, patient }: Scene,
  target: { readonly batch: string } | { readonly requestId: string },
  as = maker,
) {
  return world.writer(as).retractBatch({
    retraction: {
      patient: world.idFor(as, patient),
      target:
        "batch" in target
          ? { case: "batch" as const, value: target.batch }
          : { case: "batchRequestId" as const, value: target.requestId },
      reason: RetractionReason.ENTERED_IN_ERROR,
    },
  });
}

async function compact({ world, patient }: Scene) {
  const { store, vault } = world;
  const deps = { store, vault, queue: createPatientQueue(), clock: systemClock, ids: randomIds };
  await createPass({ ...deps, damage: { report() {} } }, new AbortController().signal)(patient.partition);
}

async function blocksOf({ world, patient }: Scene) {
  const page = await world.store.scan<BlockDocument | CompactedDocument>("blocks", {
    equals: [patient.partition],
    limit: 1_000,
  });
  return page.documents.map(({ document }) => document);
}

async function headOf({ world, patient }: Scene): Promise<Head> {
  return (await world.store.get<Head>("heads", [patient.partition]))!.document;
}

const of = (device: number, values: readonly number[], start = T0) => {
  return { ...heartRates(start, values), device: { identifier: `serial-${device}`, model: "Band" } };
};

describe("a batch that is taken back", () => {
  it("is named by its sender's own id, or by the one of its receipt, and found by nobody else", async () => {
    const scene = await openScene();
    const { world, maker, clinic, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [70, 71])]);
    const second = await append(scene, "r2", [heartRates(T0 + MINUTE, [80])]);
    for (const target of [{ requestId: "r1" }, { batch: second.batch }]) {
      expect(await reasonOf(retract(scene, target, clinic))).toBe("NOT_FOUND");
    }
    expect(await reasonOf(retract(scene, { requestId: "r3" }))).toBe("NOT_FOUND");
    // One that was answered, and of which nothing was accepted.
    await append(scene, "refused", [
      { ...heartRates(T0, [72]), code: { code: "8310-5" } },
      heartRates(T0, []),
    ]);
    expect(await reasonOf(retract(scene, { requestId: "refused" }))).toBe("NOT_FOUND");
    expect(await reasonOf(retract(scene, { batch: "bat_00000000000000000000000000" }))).toBe("NOT_FOUND");
    expect(await reasonOf(retract(scene, { batch: "no batch" }))).toBe("NOT_FOUND");
    expect((await retract(scene, { requestId: "r1" })).items).toBe(2);
    expect((await readAll(scene)).map(([, value]) => value)).toEqual([80]);
    expect((await retract(scene, { batch: second.batch })).items).toBe(1);
    expect(await readAll(scene)).toEqual([]);
    // Somebody of whom nothing was ever stored, and somebody who does not exist.
    const other = world.patient();
    await world.grant(other, {
      ...{ organization: maker.organization, direction: Direction.CONTRIBUTE, codes: ["8867-4"] },
    });
    expect(await reasonOf(retract({ ...scene, patient: other }, { requestId: "r1" }))).toBe("NOT_FOUND");
    await world.own(patient).erasePatient({ patient: world.ownId(patient) });
    expect(await reasonOf(retract(scene, { requestId: "r1" }))).toBe("NOT_FOUND");
  });

  it("needs no consent any more, and leaves an entry each time it is asked for, with what was hidden", async () => {
    const scene = await openScene();
    const { world, contribution } = scene;
    const { batch } = await append(scene, "r1", [heartRates(T0, [70, 71, 72])]);
    await world.consent.revoke(contribution);
    const first = await retract(scene, { batch });
    expect(await retract(scene, { requestId: "r1" })).toEqual(first);
    expect(await reasonOf(retract(scene, { requestId: "r2" }))).toBe("NOT_FOUND");
    const entries = (await world.accesses()).filter(({ method }) => method.endsWith("/RetractBatch"));
    expect(
      entries.map(({ outcome, items, requestId, reason }) => [outcome, Number(items), requestId, reason]),
    ).toEqual([
      [Access_Outcome.PERMITTED, 3, batch, ""],
      [Access_Outcome.PERMITTED, 0, "r1", ""],
      [Access_Outcome.DENIED, 0, "r2", "NOT_FOUND"],
    ]);
  });

  it("takes observations along, and each sample and record is counted", async () => {
    const scene = await openScene();
    const { world, maker, clinic, patient } = scene;
    const weight = (minute: number) => ({
      code: { code: WEIGHT },
      effective: { case: "effectiveTime" as const, value: timestampFromMs(T0 + minute * MINUTE) },
      utcOffsetMinutes: 0,
      value: { case: "quantity" as const, value: { value: "80", unit: "kg" } },
    });
    const observations = [weight(0), weight(1), weight(2)];
    const batch = { requestId: "r1", patient: world.idFor(maker, patient), observations };
    await world.writer(maker).appendObservations({ batch });
    await append(scene, "r2", [of(1, [70, 71]), of(2, [70, 71, 72])]);
    const list = async () =>
      (
        await world.reader(clinic).listObservations({
          ...queryInit(world.idFor(clinic, patient), { code: WEIGHT }),
        })
      ).observations.length;
    expect(await list()).toBe(3);
    expect((await retract(scene, { requestId: "r1" })).items).toBe(3);
    expect(await list()).toBe(0);
    expect((await retract(scene, { requestId: "r2" })).items).toBe(5);
    expect(await readAll(scene)).toEqual([]);
  });

  it("goes out of every compacted block that has something of it, and what it had hidden shows again", async () => {
    const scene = await openScene();
    const devices = Array.from({ length: 40 }, (_, i) => i);
    await append(
      scene,
      "r1",
      devices.map((device) => of(device, [50, 51])),
    );
    const second = await append(
      scene,
      "r2",
      devices.map((device) => of(device, [60, 61, 62], T0 + MINUTE)),
    );
    await append(scene, "r3", [of(100, [90])]);
    await compact(scene);
    const before = await blocksOf(scene);
    expect(before.every(isCompacted)).toBe(true);
    const untouched = before.find(({ count }) => count === 1)!;
    const head = await headOf(scene);
    expect((await retract(scene, { batch: second.batch })).items).toBe(120);
    const after = await blocksOf(scene);
    expect(after.map(({ count }) => count).sort()).toEqual([1, ...devices.map(() => 2)]);
    expect(after.find(({ count }) => count === 1)).toEqual(untouched);
    expect((await readAll(scene)).map(([, value]) => value).sort()).toEqual(
      [...devices.map(() => 50), ...devices.map(() => 51), 90].sort(),
    );
    // Samples moved to other blocks: a read that is under way must look again.
    expect(await headOf(scene)).toMatchObject({ sequence: head.sequence + 1, moves: (head.moves ?? 0) + 1 });
    expect((await retract(scene, { requestId: "r3" })).items).toBe(1);
    expect((await retract(scene, { requestId: "r1" })).items).toBe(80);
    expect(await blocksOf(scene)).toEqual([]);
  });

  it("moves nothing where its blocks lie as they arrived", async () => {
    const scene = await openScene();
    await append(scene, "r1", [heartRates(T0, [70])]);
    await append(scene, "r2", [heartRates(T0 + MINUTE, [71])]);
    await retract(scene, { requestId: "r1" });
    const { moves, sequence } = await headOf(scene);
    expect([moves ?? 0, sequence]).toEqual([0, 3]);
    expect(
      (await blocksOf(scene)).map((block) => ("hidden" in block ? block.hidden : "compacted")).sort(),
    ).toEqual([0, 3]);
  });

  it("is told to those who wait: by an event that names the commit, and to who watches", async () => {
    let told = 0;
    const scene = await openScene({}, { onEvent: () => told++ } satisfies WorldOptions);
    const { world, clinic, patient } = scene;
    const { batch } = await append(scene, "r1", [heartRates(T0, [70])]);
    expect(told).toBe(1);
    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    const watch = world
      .reader(clinic)
      .watchSeries(
        { patient: world.idFor(clinic, patient), codes: [{ code: "8867-4" }], purpose: Purpose.TREATMENT },
        { signal: leaving.signal },
      )
      [Symbol.asyncIterator]();
    expect((await watch.next()).value!.payload.case).toBe("start");
    const waiting = watch.next();
    // A watch that has just begun finds by itself what is committed now; soon it waits to be woken.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const events: OutboxEvent[] = [];
    world.store.committed = async ({ events: those }: Commit) => void events.push(...(those ?? []));
    await retract(scene, { batch });
    // It does not wait until it looks by itself: half a minute.
    expect((await waiting).value!.payload.case).toBe("retraction");
    expect(told).toBe(2);
    expect(events.map(({ subject, data }) => [subject, fromBinary(BatchCommittedSchema, data)])).toEqual([
      ["records.batch.committed", expect.objectContaining({ partition: patient.partition, sequence: 2n })],
    ]);
    await retract(scene, { batch });
    expect(told).toBe(2);
  }, 20_000);

  it("is taken back from behind commits that come between, and not at all where they never stop", async () => {
    const scene = await openScene();
    const { store } = scene.world;
    const { batch } = await append(scene, "r1", [heartRates(T0, [70])]);
    const { commit } = store;
    const isRetraction = ({ changes }: Commit) =>
      changes.some(({ kind, collection }) => kind === "insert" && collection === "tombstones");
    let attempts = 0;
    let refused = 3;
    store.commit = async (asked) => {
      if (isRetraction(asked) && attempts++ < refused) {
        // Another replica was faster.
        const { document, revision } = (await store.get<Head>("heads", [asked.partition]))!;
        const moved = { ...document, sequence: document.sequence + 1 };
        const change = {
          kind: "replace" as const,
          collection: "heads",
          document: moved,
          ifRevision: revision,
        };
        await commit.call(store, { partition: asked.partition, changes: [change] });
      }
      return commit.call(store, asked);
    };
    expect((await retract(scene, { batch })).items).toBe(1);
    expect([attempts, (await headOf(scene)).sequence]).toEqual([4, 5]);
    await append(scene, "r2", [heartRates(T0, [71])]);
    refused = Number.POSITIVE_INFINITY;
    attempts = 0;
    expect(await reasonOf(retract(scene, { requestId: "r2" }))).toBe("STORE_UNAVAILABLE");
    expect(attempts).toBe(16);
    expect(await readAll(scene)).toHaveLength(1);
    store.commit = commit;
  });

  it("is not taken back, and denied to nobody, while the store fails", async () => {
    const scene = await openScene();
    const { world } = scene;
    const { batch } = await append(scene, "r1", [heartRates(T0, [70])]);
    world.store.mode = "refuses";
    expect(await reasonOf(retract(scene, { batch }))).toBe("STORE_UNAVAILABLE");
    world.store.mode = "works";
    expect(await readAll(scene)).toHaveLength(1);
    const stranger = application();
    expect(await reasonOf(retract(scene, { batch }, stranger))).toBe("NOT_FOUND");
    const entries = (await world.accesses()).filter(({ method }) => method.endsWith("/RetractBatch"));
    expect(entries.map(({ organization }) => organization)).toEqual([stranger.organization]);
  });

  it("is told to who watches as all that it held, wherever that lies by now", async () => {
    const scene = await openScene();
    const { world, maker, clinic, patient } = scene;
    const series = [of(1, [70, 71]), of(1, [80], T0 + 120 * MINUTE)];
    const batch = { requestId: "r1", patient: world.idFor(maker, patient), series };
    const rejections = [
      { index: 1, violations: [{ field: "x", description: "y", reason: "TIME_IN_FUTURE" }] },
    ];
    await world.writer(maker).appendSeries({ batch, rejections });
    await compact(scene);
    await world.writer(maker).appendSeries({ batch });
    expect((await blocksOf(scene)).map(isCompacted).sort()).toEqual([false, true]);
    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    const watch = world
      .reader(clinic)
      .watchSeries(
        { patient: world.idFor(clinic, patient), codes: [{ code: "8867-4" }], purpose: Purpose.TREATMENT },
        { signal: leaving.signal },
      )
      [Symbol.asyncIterator]();
    await watch.next();
    await world.accesses();
    expect((await retract(scene, { requestId: "r1" })).items).toBe(3);
    const retractions = [];
    for (let sequence = 0; sequence < 2; sequence++) {
      const { payload } = (await watch.next()).value!;
      if (payload.case === "retraction") retractions.push(payload.value);
    }
    // One for each commit of the batch.
    expect(
      retractions.map(({ interval }) =>
        [interval!.startTime, interval!.endTime].map((time) => timestampMs(time!) - T0),
      ),
    ).toEqual([
      [0, MINUTE + 1],
      [120 * MINUTE, 120 * MINUTE + 1],
    ]);
    // Its entry reaches audit by itself.
    await vi.waitFor(
      () =>
        expect(world.leaves.filter(({ access }) => access.method.endsWith("/RetractBatch"))).toHaveLength(1),
      15_000,
    );
  });

  it("is not taken back by a token for some categories alone, nor by one for another patient", async () => {
    const scene = await openScene();
    const { batch } = await append(scene, "r1", [heartRates(T0, [70])]);
    const { maker, world } = scene;
    for (const limits of [
      { scopes: ["system/Observation.cruds?category=heart"] },
      { onlyPatient: world.patient().id },
    ]) {
      expect(await reasonOf(retract(scene, { batch }, { ...maker, ...limits }))).toBe("SCOPE_REQUIRED");
    }
    expect((await retract(scene, { batch })).items).toBe(1);
  });

  it("leaves alone the blocks that have nothing of it, also where they have earlier and later batches", async () => {
    const scene = await openScene();
    await append(scene, "r1", [of(1, [50])]);
    await append(scene, "r2", [of(2, [60])]);
    await append(scene, "r3", [of(1, [70], T0 + MINUTE)]);
    await compact(scene);
    const untouched = (await blocksOf(scene)).find(({ count }) => count === 2);
    expect((await retract(scene, { requestId: "r2" })).items).toBe(1);
    expect(await blocksOf(scene)).toEqual([untouched]);
    expect(await readAll(scene)).toHaveLength(2);
  });

  it("does not wait for the repair of a later block that has nothing of it", async () => {
    const scene = await openScene();
    const { store } = scene.world;
    const { partition } = scene.patient;
    await append(scene, "r1", [of(1, [50])]);
    await compact(scene);
    await append(scene, "r2", [of(2, [60])]);
    await compact(scene);
    const { documents } = await store.scan<CompactedDocument>("blocks", { equals: [partition], limit: 10 });
    const { document, revision } = documents.find((stored) => stored.document.first_sequence === 2)!;
    const sealed = Uint8Array.from(document.sealed);
    sealed[20]! ^= 1;
    const damaged = { ...document, sealed };
    const change = {
      kind: "replace" as const,
      collection: "blocks",
      document: damaged,
      ifRevision: revision,
    };
    expect((await store.commit({ partition, changes: [change] })).committed).toBe(true);
    expect((await retract(scene, { requestId: "r1" })).items).toBe(1);
    expect(await reasonOf(retract(scene, { requestId: "r2" }))).toBe("DATA_DAMAGED");
  });

  it.each(["samples", "observations"])(
    "of %s is told as far as the reader may see it, also to one who sees neither its first nor its last",
    async (kind) => {
      const scene = await openScene({ window: { from: T0 + MINUTE, to: T0 + 2 * MINUTE } });
      const { world, maker, clinic, patient } = scene;
      const weights = (start: number, mantissas: number[]) => {
        return { ...heartRates(start, mantissas), code: { code: WEIGHT }, unit: "kg" };
      };
      const weight = (minute: number) => ({
        code: { code: WEIGHT },
        effective: { case: "effectiveTime" as const, value: timestampFromMs(T0 + minute * MINUTE) },
        utcOffsetMinutes: 0,
        value: { case: "quantity" as const, value: { value: "80", unit: "kg" } },
      });
      const observations = [weight(0), weight(1), weight(2)];
      const batch = { requestId: "r1", patient: world.idFor(maker, patient), observations };
      if (kind === "samples") await append(scene, "r1", [weights(T0, [80, 81, 82])]);
      else await world.writer(maker).appendObservations({ batch });
      const leaving = new AbortController();
      onTestFinished(() => leaving.abort());
      const watch = world
        .reader(clinic)
        .watchSeries(
          { patient: world.idFor(clinic, patient), codes: [{ code: WEIGHT }], purpose: Purpose.TREATMENT },
          { signal: leaving.signal },
        )
        [Symbol.asyncIterator]();
      await watch.next();
      await retract(scene, { requestId: "r1" });
      await append(scene, "r2", [weights(T0 + MINUTE, [83])]);
      const { payload } = (await watch.next()).value!;
      expect(payload).toMatchObject({
        case: "retraction",
        value: {
          interval: {
            startTime: timestampFromMs(T0 + MINUTE),
            endTime: timestampFromMs(T0 + MINUTE + 1),
          },
        },
      });
    },
  );

  it("is taken back also where its blocks are damaged", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    const weight = {
      code: { code: WEIGHT },
      effective: { case: "effectiveTime" as const, value: timestampFromMs(T0) },
      utcOffsetMinutes: 0,
      value: { case: "quantity" as const, value: { value: "80", unit: "kg" } },
    };
    const batch = { requestId: "r1", patient: world.idFor(maker, patient), observations: [weight] };
    await world.writer(maker).appendObservations({ batch });
    await append(scene, "r2", [heartRates(T0, [70, 71])]);
    const { partition } = patient;
    for (const collection of ["blocks", "observation_blocks"]) {
      const [stored] = (await world.store.scan(collection, { equals: [partition], limit: 1 })).documents;
      const sealed = Uint8Array.from(stored!.document.sealed as Uint8Array);
      sealed[20]! ^= 1;
      const document = { ...stored!.document, sealed };
      const change = { kind: "replace" as const, collection, document, ifRevision: stored!.revision };
      await world.store.commit({ partition, changes: [change] });
    }
    expect(await reasonOf(readAll(scene))).toBe("DATA_DAMAGED");
    expect((await retract(scene, { requestId: "r1" })).items).toBe(1);
    expect((await retract(scene, { requestId: "r2" })).items).toBe(2);
    expect(await readAll(scene)).toEqual([]);
  });

  it("is not found from the first commit of an erasure on, and by no caller without an organization", async () => {
    const scene = await openScene();
    const { store } = scene.world;
    const { partition } = scene.patient;
    const { batch } = await append(scene, "r1", [heartRates(T0, [70])]);
    const head = (await loadHead(store, partition))!;
    const erased = { ...head.document, erased: true };
    await store.commit({ partition, changes: [headChange(partition, head, erased)] });
    expect(await reasonOf(retract(scene, { batch }))).toBe("NOT_FOUND");
    const caller = { principal: { kind: "patient", id: "pat_1" }, workload: "door", token: "" } as const;
    const { retract: retractAs } = createRetract({} as never);
    await expect(retractAs({ caller } as never, { batch })).rejects.toMatchObject({
      code: "CALLER_NOT_PERMITTED",
    });
  });
});
