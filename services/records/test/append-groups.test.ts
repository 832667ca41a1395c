import { fromBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { BatchCommittedSchema } from "@wellapi/gen/wellapi/internal/records/v1/records_events_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Commit } from "@wellapi/store";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Head, ReceiptDocument } from "../src/blocks/documents.ts";
import { headChange, loadHead } from "../src/blocks/head-repository.ts";
import { createAppend } from "../src/write/append.ts";
import {
  append,
  application,
  HEART_RATE,
  heartRates,
  openScene,
  openWorld,
  readAll,
  reasonOf,
  WEIGHT,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const MINUTE = 60_000;

type Scene = Awaited<ReturnType<typeof openScene>>;

const inserts = ({ changes }: Commit, collection: string) =>
  changes.filter((change) => change.kind === "insert" && change.collection === collection).length;

/** Commits of batches from here on that were made: how many receipts each has, and its events. */
function commitsOf({ world: { store } }: Scene) {
  const commits: { batches: number; sequences: bigint[]; ids: string[] }[] = [];
  const { commit } = store;
  store.commit = async (asked) => {
    const result = await commit.call(store, asked);
    const batches = inserts(asked, "receipts");
    const events = asked.events ?? [];
    const sequences = events.map(({ data }) => fromBinary(BatchCommittedSchema, data).sequence);
    if (result.committed && batches > 0)
      commits.push({ batches, sequences, ids: events.map(({ id }) => id) });
    return result;
  };
  return commits;
}

const rates = (i: number, count = 1) =>
  heartRates(
    T0 + i * MINUTE,
    Array.from({ length: count }, () => 60),
    1,
  );

/** A watch that has just begun finds by itself what is committed now; soon it waits to be woken. */
const untilItWaits = () => new Promise((resolve) => setTimeout(resolve, 300));

const weights = (minute: number) => ({
  code: { code: WEIGHT },
  effective: { case: "effectiveTime" as const, value: timestampFromMs(T0 + minute * MINUTE) },
  utcOffsetMinutes: 0,
  value: { case: "quantity" as const, value: { value: "80", unit: "kg" } },
});

describe("batches that arrive while a commit is under way", () => {
  it("go into the next one, 64 at most, and one event says how far it came", async () => {
    const scene = await openScene();
    await append(scene, "first", [rates(0)]);
    const commits = commitsOf(scene);
    await Promise.all(Array.from({ length: 130 }, (_, i) => append(scene, `r${i}`, [rates(i + 1)])));
    const most = commits.map(({ batches }) => batches).sort((a, b) => b - a);
    expect(most.slice(0, 2)).toEqual([64, 64]);
    expect(commits.reduce((sum, { batches }) => sum + batches, 0)).toBe(130);
    const { documents } = await scene.world.store.scan<ReceiptDocument>("receipts", {
      equals: [scene.patient.partition],
      limit: 200,
    });
    const byCommit = new Map(documents.map(({ document }) => [document.sequences[0], document.batch]));
    let reached = 1;
    for (const { batches, sequences, ids } of commits) {
      reached += batches;
      expect([sequences, ids]).toEqual([[BigInt(reached)], [`${byCommit.get(reached)}.${reached}`]]);
    }
    expect(await readAll(scene)).toHaveLength(131);
  });

  it("are as many as about four megabytes hold, and a larger one goes alone", async () => {
    const scene = await openScene();
    await append(scene, "first", [rates(0)]);
    const commits = commitsOf(scene);
    const large = 60_000;
    await Promise.all(Array.from({ length: 9 }, (_, i) => append(scene, `r${i}`, [rates(i * 5, large)])));
    expect(commits.reduce((sum, { batches }) => sum + batches, 0)).toBe(9);
    expect(Math.max(...commits.map(({ batches }) => batches))).toBeGreaterThan(1);
    expect(Math.max(...commits.map(({ batches }) => batches))).toBeLessThan(8);
    const alone = await append(scene, "alone", [rates(99, 300_000)]);
    expect(alone.items[0]!.status).toBe(ItemOutcome_Status.ACCEPTED);
  }, 30_000);

  it("are parted where two have one name: the second finds the first one's receipt", async () => {
    const scene = await openScene();
    await append(scene, "first", [rates(0)]);
    const commits = commitsOf(scene);
    const names = ["a", "b", "c", "b", "d"];
    const answers = await Promise.all(
      names.map((name, i) => append(scene, name, [rates(name === "b" ? 50 : i + 1)])),
    );
    expect(answers.map(({ items }) => items[0]!.status)).toEqual([
      ...[ItemOutcome_Status.ACCEPTED, ItemOutcome_Status.ACCEPTED, ItemOutcome_Status.ACCEPTED],
      ...[ItemOutcome_Status.DUPLICATE, ItemOutcome_Status.ACCEPTED],
    ]);
    expect(answers[3]!.batch).toBe(answers[1]!.batch);
    expect(commits.reduce((sum, { batches }) => sum + batches, 0)).toBe(4);
    // An id is its organization's own: the same of two organizations are two batches.
    const other = { ...application(), application: scene.maker.application };
    await scene.world.grant(scene.patient, {
      ...{ organization: other.organization, direction: Direction.CONTRIBUTE, codes: [HEART_RATE] },
    });
    const same = await Promise.all([
      append(scene, "same", [rates(101)]),
      append({ ...scene, maker: other }, "same", [rates(102)]),
    ]);
    expect(same.map(({ items }) => items[0]!.status)).toEqual([
      ItemOutcome_Status.ACCEPTED,
      ItemOutcome_Status.ACCEPTED,
    ]);
  });

  it("may be of both kinds: the head says so of each", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    const id = world.idFor(maker, patient);
    const observe = (requestId: string, minute: number) =>
      world
        .writer(maker)
        .appendObservations({ batch: { requestId, patient: id, observations: [weights(minute)] } });
    const commits = commitsOf(scene);
    await Promise.all([observe("o1", 0), observe("o2", 1), append(scene, "r1", [rates(1)])]);
    expect(commits.map(({ batches }) => batches)).toEqual([3]);
    const head = (await loadHead(world.store, patient.partition))!.document;
    expect(head).toMatchObject({ sequence: 3, observed_to: 3, loose_since_ms: expect.any(Number) });
  });

  it("fail together where the store does, each with its own answer", async () => {
    const scene = await openScene();
    const { world } = scene;
    await append(scene, "first", [rates(0)]);
    world.store.mode = "refuses";
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, i) => reasonOf(append(scene, `r${i}`, [rates(i + 1)]))),
    );
    expect(answers).toEqual(Array.from({ length: 5 }, () => "STORE_UNAVAILABLE"));
    world.store.mode = "works";
    expect(await readAll(scene)).toHaveLength(1);
  });
});

describe("an append", () => {
  it("is tried again behind other replicas' commits, and unavailable where they never stop", async () => {
    const scene = await openScene();
    const { store } = scene.world;
    await append(scene, "first", [rates(0)]);
    const { commit } = store;
    let attempts = 0;
    let refused = 5;
    store.commit = async (asked) => {
      if (inserts(asked, "receipts") > 0 && attempts++ < refused) {
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
    const receipt = await append(scene, "r1", [rates(1)]);
    expect([receipt.items[0]!.status, attempts]).toEqual([ItemOutcome_Status.ACCEPTED, 6]);
    attempts = 0;
    refused = Number.POSITIVE_INFINITY;
    expect(await reasonOf(append(scene, "r2", [rates(2)]))).toBe("STORE_UNAVAILABLE");
    expect(attempts).toBe(16);
    store.commit = commit;
    expect(await readAll(scene)).toHaveLength(2);
  });

  it("is told to those who wait once it is stored, and where nothing new is stored to nobody", async () => {
    let told = 0;
    const scene = await openScene({}, { onEvent: () => told++ });
    const { world, clinic, patient, maker } = scene;
    await append(scene, "first", [rates(0)]);
    expect(told).toBe(1);
    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    const watch = world
      .reader(clinic)
      .watchSeries(
        { patient: world.idFor(clinic, patient), codes: [{ code: HEART_RATE }], purpose: Purpose.TREATMENT },
        { signal: leaving.signal },
      )
      [Symbol.asyncIterator]();
    expect((await watch.next()).value!.payload.case).toBe("start");
    const waiting = watch.next();
    await untilItWaits();
    await append(scene, "r1", [rates(1)]);
    // It does not wait until it looks by itself: half a minute.
    expect((await waiting).value!.payload.case).toBe("series");
    expect(told).toBe(2);
    const commits = commitsOf(scene);
    const before = await loadHead(world.store, patient.partition);
    await append(scene, "r1", [rates(1)]);
    expect([told, commits]).toEqual([2, []]);
    expect(await loadHead(world.store, patient.partition)).toEqual(before);
    // All of it is rejected: its receipt is written, and no event.
    const rejections = [{ index: 0, violations: [{ field: "x", description: "y", reason: "CODE_UNKNOWN" }] }];
    const batch = { requestId: "r2", patient: world.idFor(maker, patient), series: [rates(2)] };
    const { receipt } = await world.writer(maker).appendSeries({ batch, rejections });
    expect([receipt!.batch, receipt!.items[0]!.status]).toEqual(["", ItemOutcome_Status.REJECTED]);
    expect(commits).toEqual([{ batches: 1, sequences: [], ids: [] }]);
    expect(await world.sequenceOf(patient)).toBe(2);
  }, 20_000);

  it("leaves an entry also where it was sent before, and names the codes of what is good in it", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    const series = [rates(0, 3), { ...rates(1), code: { code: "unknown" } }];
    const rejections = [{ index: 1, violations: [{ field: "x", description: "y", reason: "CODE_UNKNOWN" }] }];
    const batch = { requestId: "r1", patient: world.idFor(maker, patient), series };
    await world.writer(maker).appendSeries({ batch, rejections });
    await world.writer(maker).appendSeries({ batch, rejections });
    const entries = (await world.accesses()).filter(({ direction }) => direction === Direction.CONTRIBUTE);
    expect(
      entries.map(({ outcome, codes, items, consents, requestId }) => [
        ...[outcome, codes, Number(items), consents.map(({ consent }) => consent), requestId],
      ]),
    ).toEqual([
      [Access_Outcome.PERMITTED, [HEART_RATE], 3, [scene.contribution], "r1"],
      [Access_Outcome.PERMITTED, [HEART_RATE], 0, [], "r1"],
    ]);
  });

  it("of observations waits for no compaction, and of series since the first that does", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    const head = async () => (await world.store.get<Head>("heads", [patient.partition]))!.document;
    const batch = { requestId: "o1", patient: world.idFor(maker, patient), observations: [weights(0)] };
    await world.writer(maker).appendObservations({ batch });
    expect(await head()).toMatchObject({ observed_to: 1, sequence: 1 });
    expect((await head()).loose_since_ms).toBeUndefined();
    await append(scene, "r1", [rates(0)]);
    const since = (await head()).loose_since_ms;
    expect(Math.abs(since! - Date.now())).toBeLessThan(60_000);
    await append(scene, "r2", [rates(1)]);
    expect(await head()).toMatchObject({ loose_since_ms: since, observed_to: 1, sequence: 3 });
  });

  it("has an entry that reaches audit by itself", async () => {
    const scene = await openScene();
    await scene.world.accesses();
    await append(scene, "r1", [rates(0)]);
    await vi.waitFor(
      () => expect(scene.world.leaves.map(({ access }) => access.requestId)).toEqual(["r1"]),
      15_000,
    );
  });

  it("that is refused leaves nothing, no key either, and from the first commit of an erasure on each one is", async () => {
    const scene = await openScene();
    const { store, vault, patient: newPatient } = scene.world;
    const other = newPatient();
    for (const id of ["r1", "r2"]) {
      expect(await reasonOf(append({ ...scene, patient: other }, id, [rates(0)]))).toBe("CONSENT_REQUIRED");
    }
    expect(await vault.keyIds(other.partition, "data")).toEqual([]);
    await append(scene, "r1", [rates(0)]);
    const { partition } = scene.patient;
    const head = (await loadHead(store, partition))!;
    const erased = { ...head.document, erased: true };
    await store.commit({ partition, changes: [headChange(partition, head, erased)] });
    expect(await reasonOf(append(scene, "r2", [rates(1)]))).toBe("CONSENT_REQUIRED");
    for (const collection of ["receipts", "blocks"]) {
      expect((await store.scan(collection, { equals: [partition], limit: 9 })).documents).toHaveLength(1);
    }
  });

  it("goes on with the series of an earlier run", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    await append(scene, "r1", [rates(0)]);
    await world.close();
    const again = await openWorld({ folder: world.folder, patients: world.patients });
    const terms = { organization: maker.organization, direction: Direction.CONTRIBUTE, codes: [HEART_RATE] };
    await again.grant(patient, terms);
    const { items } = await append({ ...scene, world: again }, "r2", [rates(1)]);
    expect(items[0]!.status).toBe(ItemOutcome_Status.ACCEPTED);
    const { documents } = await again.store.scan("series", { equals: [patient.partition], limit: 9 });
    expect(documents).toHaveLength(1);
  });

  it("is of an organization", async () => {
    const caller = { principal: { kind: "patient", id: "pat_1" }, workload: "door", token: "" } as const;
    const { append: appendAs } = createAppend({} as never);
    await expect(appendAs(caller, "method", {} as never)).rejects.toMatchObject({
      code: "CALLER_NOT_PERMITTED",
    });
  });
});
