import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { systemClock } from "@wellapi/runtime";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { BlockDocument, Head } from "../src/blocks/documents.ts";
import { append, application, HEART_RATE, heartRates, openScene, readAll, reasonOf, STEPS } from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const { ACCEPTED, DUPLICATE, REJECTED } = ItemOutcome_Status;

describe("append", () => {
  it("is readable, exactly as sent, once it is answered", async () => {
    const scene = await openScene();
    const receipt = await append(scene, "r1", [heartRates(T0, [72, 75, 74])]);
    expect(receipt.items.map(({ status }) => status)).toEqual([ACCEPTED]);
    expect(await scene.world.sequenceOf(scene.patient)).toBe(1);
    expect(receipt.batch).toMatch(/^bat_/);
    expect(await readAll(scene)).toEqual([
      [T0, 72],
      [T0 + 60_000, 75],
      [T0 + 120_000, 74],
    ]);
  });

  it("answers a batch that is sent again with duplicates and stores nothing twice", async () => {
    const scene = await openScene();
    const first = await append(scene, "r1", [heartRates(T0, [72])]);
    const again = await append(scene, "r1", [heartRates(T0, [72])]);
    expect(again.items.map(({ status }) => status)).toEqual([DUPLICATE]);
    expect(again.batch).toBe(first.batch);
    expect(await scene.world.sequenceOf(scene.patient)).toBe(1);
  });

  it("stores one of many that arrive at once under one id", async () => {
    const scene = await openScene();
    const receipts = await Promise.all(
      Array.from({ length: 8 }, () => append(scene, "r1", [heartRates(T0, [72, 73])])),
    );
    const statuses = receipts.flatMap(({ items }) => items.map(({ status }) => status));
    expect(statuses.filter((status) => status === ACCEPTED)).toHaveLength(1);
    expect(statuses.filter((status) => status === DUPLICATE)).toHaveLength(7);
    expect(await readAll(scene)).toHaveLength(2);
  });

  it("commits together what arrives while a commit is under way, and answers each for itself", async () => {
    const scene = await openScene();
    const { world } = scene;
    await append(scene, "reused", [heartRates(T0, [50])]);
    let commits = 0;
    const { commit } = world.store;
    world.store.commit = function (this: typeof world.store, one) {
      if (
        one.changes.some(
          ({ kind, ...change }) =>
            kind !== "delete" && "collection" in change && change.collection === "blocks",
        )
      )
        commits += 1;
      return commit.call(this, one);
    };
    const numbers = Array.from({ length: 40 }, (_, i) => i);
    const answers = await Promise.all(
      numbers.map((i) =>
        i === 17
          ? reasonOf(append(scene, "reused", [heartRates(T0, [51])]))
          : append(scene, `r${i}`, [heartRates(T0 + i * 60_000, [100 + i])]),
      ),
    );
    expect(answers[17]).toBe("REQUEST_ID_REUSED");
    const blocks = await scene.world.store.scan<BlockDocument>("blocks", {
      index: "by_sequence",
      equals: [scene.patient.partition],
      limit: 100,
    });
    const sequences = blocks.documents.map(({ document }) => document.sequence);
    expect(sequences).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(commits).toBeLessThan(10);
    const values = await readAll(scene);
    expect(values).toEqual(numbers.map((i) => [T0 + i * 60_000, 100 + i]).filter((_, i) => i !== 17));
  });

  it("asks the store nothing about a patient of late", async () => {
    const scene = await openScene();
    await append(scene, "r1", [heartRates(T0, [72])]);
    const { world } = scene;
    const asked: string[] = [];
    const { get } = world.store;
    world.store.get = function (this: typeof world.store, collection, key) {
      asked.push(collection);
      return get.call(this, collection, key) as never;
    };
    await append(scene, "r2", [heartRates(T0 + 60_000, [73])]);
    expect(asked).toEqual([]);
    const again = await append(scene, "r2", [heartRates(T0 + 60_000, [73])]);
    expect(again.items.map(({ status }) => status)).toEqual([DUPLICATE]);
    expect(asked.toSorted()).toEqual(["heads", "receipts"]);
  });

  it("goes on from a head that another replica has moved", async () => {
    const scene = await openScene();
    await append(scene, "r1", [heartRates(T0, [72])]);
    const { world, patient } = scene;
    const { partition } = patient;
    const head = (await world.store.get<Head>("heads", [partition]))!;
    await world.store.commit({
      partition,
      changes: [
        {
          kind: "replace",
          collection: "heads",
          document: { ...head.document, sequence: 7 },
          ifRevision: head.revision,
        },
      ],
    });
    await append(scene, "r2", [heartRates(T0 + 60_000, [73])]);
    expect(await world.sequenceOf(patient)).toBe(8);
    await append(scene, "r3", [heartRates(T0 + 120_000, [74])]);
    expect(await world.sequenceOf(patient)).toBe(9);
  });

  it("decides nothing about codes of items that are wrong anyway, however many a batch names", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    const wrong = Array.from({ length: 60 }, (_, i) => ({
      ...heartRates(T0, [72]),
      code: { code: `x-${i}` },
    }));
    const series = [...wrong, heartRates(T0, [72])];
    const rejections = wrong.map((_, index) => ({
      index,
      violations: [{ field: `series[${index}].code`, description: "unknown", reason: "CODE_UNKNOWN" }],
    }));
    const asked = world.consent.state.asked;
    const batch = { requestId: "r1", patient: world.idFor(maker, patient), series };
    const { receipt } = await world.writer(maker).appendSeries({ batch, rejections });
    expect(receipt!.items.filter(({ status }) => status === ACCEPTED)).toHaveLength(1);
    expect(world.consent.state.asked - asked).toBeLessThan(5);
  });

  it("tells who has no consent so, also where every item is wrong", async () => {
    const { world, maker, patient } = await openScene();
    const rejections = [{ index: 0, violations: [{ field: "x", description: "y", reason: "CODE_UNKNOWN" }] }];
    const send = (as: typeof maker) => {
      const series = [{ ...heartRates(T0, [72]), code: { code: "unknown" } }];
      const batch = { requestId: "r1", patient: world.idFor(as, patient), series };
      return world.writer(as).appendSeries({ batch, rejections });
    };
    expect(await reasonOf(send(application()))).toBe("CONSENT_REQUIRED");
    expect((await send(maker)).receipt!.items.map(({ status }) => status)).toEqual([REJECTED]);
  });

  it("refuses an id with other content, also as a batch of observations", async () => {
    const scene = await openScene();
    await append(scene, "r1", [heartRates(T0, [72])]);
    expect(await reasonOf(append(scene, "r1", [heartRates(T0, [73])]))).toBe("REQUEST_ID_REUSED");
    expect(await readAll(scene)).toEqual([[T0, 72]]);
  });

  it("judges rejected items afresh and keeps accepted ones", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    const batch = {
      requestId: "r1",
      patient: world.idFor(maker, patient),
      series: [heartRates(T0, [72]), heartRates(T0 + 3_600_000, [80])],
    };
    const violation = { field: "series[1].times", description: "is ahead", reason: "TIME_IN_FUTURE" };
    const rejections = [{ index: 1, violations: [violation] }];
    const first = await world.writer(maker).appendSeries({ batch, rejections });
    expect(first.receipt!.items.map(({ status }) => status)).toEqual([ACCEPTED, REJECTED]);
    expect(first.receipt!.items[1]!.violations[0]).toMatchObject(violation);
    const second = await world.writer(maker).appendSeries({ batch });
    expect(second.receipt!.items.map(({ status }) => status)).toEqual([DUPLICATE, ACCEPTED]);
    expect(second.receipt!.batch).toBe(first.receipt!.batch);
    expect(await world.sequenceOf(patient)).toBe(2);
    const third = await world.writer(maker).appendSeries({ batch });
    expect(third.receipt!.items.map(({ status }) => status)).toEqual([DUPLICATE, DUPLICATE]);
    expect(third.receipt!.batch).toBe(first.receipt!.batch);
    const { documents } = await world.store.scan("blocks", { equals: [patient.partition], limit: 10 });
    expect(documents).toHaveLength(2);
    expect(await readAll(scene)).toHaveLength(2);
  });

  it("stores nothing where the consent is revoked between the judgement and the commit", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    await append(scene, "before", [heartRates(T0, [72])]);
    const get = world.store.get.bind(world.store);
    let revoked = false;
    // Which series are known is asked after the batch was judged, and before the decision that counts.
    world.store.get = async (collection, ...rest) => {
      if (collection === "series" && !revoked) {
        revoked = true;
        await world.consent.revoke(scene.contribution);
      }
      return get(collection, ...rest);
    };
    const other = { ...heartRates(T0, [9]), device: { identifier: "serial-2", model: "Band" } };
    expect(await reasonOf(append(scene, "during", [other]))).toBe("CONSENT_REQUIRED");
    expect(revoked).toBe(true);
    expect(await readAll(scene)).toEqual([[T0, 72]]);
    const { documents } = await world.store.scan("receipts", { equals: [patient.partition], limit: 10 });
    expect(documents).toHaveLength(1);
  });

  it("rejects the items that the consent does not cover and stores their neighbours", async () => {
    const scene = await openScene();
    const other = { ...heartRates(T0, [20]), code: { code: "9279-1" } };
    const receipt = await append(scene, "r1", [other, heartRates(T0, [72])]);
    expect(receipt.items.map(({ status }) => status)).toEqual([REJECTED, ACCEPTED]);
    expect(receipt.items[0]!.violations[0]!.reason).toBe("CONSENT_CATEGORY");
    expect(receipt.items[0]!.violations[0]!.field).toBe("series[0].code");
  });

  it("rejects what was captured outside the consent's window", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    const maker = application();
    await world.grant(patient, {
      organization: maker.organization,
      direction: Direction.CONTRIBUTE,
      codes: [STEPS, HEART_RATE],
      window: { from: T0, to: T0 + 3_600_000 },
    });
    const receipt = await append({ ...scene, maker }, "r1", [
      heartRates(T0 + 3_599_000, [72, 73], 1_000),
      heartRates(T0, [74]),
    ]);
    expect(receipt.items.map(({ status }) => status)).toEqual([REJECTED, ACCEPTED]);
    expect(receipt.items[0]!.violations[0]!.reason).toBe("CONSENT_WINDOW");
  });

  it("rejects what a provision denies, says so, and stores the rest", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    const maker = application();
    await world.grant(patient, {
      organization: maker.organization,
      direction: Direction.CONTRIBUTE,
      codes: [STEPS, HEART_RATE],
      denied: [STEPS],
    });
    const steps = { ...heartRates(T0, [5]), code: { code: STEPS }, unit: "{steps}" };
    const receipt = await append({ ...scene, maker }, "r1", [steps, heartRates(T0, [72])]);
    expect(receipt.items.map(({ status }) => status)).toEqual([REJECTED, ACCEPTED]);
    expect(receipt.items[0]!.violations[0]!.reason).toBe("CONSENT_DENIED");
  });

  it("stores of a sliding window what it holds at the time", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    const maker = application();
    await world.grant(patient, {
      organization: maker.organization,
      direction: Direction.CONTRIBUTE,
      codes: [HEART_RATE],
      lastMs: 60_000,
    });
    const now = Date.now();
    // Never two looks at the clock in one millisecond: the window has moved before the commit.
    let looks = 0;
    const clock = vi.spyOn(systemClock, "now").mockImplementation(() => Date.now() + ++looks);
    onTestFinished(() => clock.mockRestore());
    const receipt = await append({ ...scene, maker }, "r1", [
      heartRates(now - 120_000, [72]),
      heartRates(now - 30_000, [74]),
    ]);
    expect(receipt.items.map(({ status }) => status)).toEqual([REJECTED, ACCEPTED]);
    expect(receipt.items[0]!.violations[0]!.reason).toBe("CONSENT_WINDOW");
  });

  it("answers an unknown, a malformed and another organization's patient id like a patient without consent", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    const stranger = application();
    const send = (as: typeof maker, id: string) =>
      world
        .writer(as)
        .appendSeries({ batch: { requestId: "r1", patient: id, series: [heartRates(T0, [72])] } })
        .then(
          () => "OK",
          (error: Error) => error.message,
        );
    const unconsented = await send(stranger, world.idFor(stranger, patient));
    expect(unconsented).toContain("No consent in force");
    expect(await send(maker, world.idFor(stranger, patient))).toBe(unconsented);
    expect(await send(maker, "pat_00000000000000000000000000")).toBe(unconsented);
    expect(await send(maker, "nobody")).toBe(unconsented);
    const denied = (await world.accesses()).filter(({ reason }) => reason === "CONSENT_NONE");
    // Only the patient who exists is told of the attempt; the others name nobody.
    expect(denied.map(({ patient: about }) => about !== "")).toEqual([true, false, false, false]);
  });

  it("fails whole after a revocation and leaves no receipt", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    const maker = application();
    const consent = await world.grant(patient, {
      organization: maker.organization,
      direction: Direction.CONTRIBUTE,
      codes: [STEPS, "8867-4"],
    });
    await world.consent.revoke(consent);
    expect(await reasonOf(append({ ...scene, maker }, "r1", [heartRates(T0, [72])]))).toBe(
      "CONSENT_REQUIRED",
    );
    await world.grant(patient, {
      organization: maker.organization,
      direction: Direction.CONTRIBUTE,
      codes: ["8867-4"],
    });
    const receipt = await append({ ...scene, maker }, "r1", [heartRates(T0, [99])]);
    expect(receipt.items[0]!.status).toBe(ACCEPTED);
  });

  it("acknowledges nothing while the store fails, goes on reading, and stores once afterwards", async () => {
    const scene = await openScene();
    const { store } = scene.world;
    await append(scene, "r0", [heartRates(T0, [70])]);
    store.mode = "refuses";
    expect(await reasonOf(append(scene, "r1", [heartRates(T0 + 60_000, [72])]))).toBe("STORE_UNAVAILABLE");
    expect(await readAll(scene)).toEqual([[T0, 70]]);
    store.mode = "commits_and_fails";
    expect(await reasonOf(append(scene, "r1", [heartRates(T0 + 60_000, [72])]))).toBe("STORE_UNAVAILABLE");
    store.mode = "works";
    const receipt = await append(scene, "r1", [heartRates(T0 + 60_000, [72])]);
    expect(receipt.items[0]!.status).toBe(DUPLICATE);
    expect(await readAll(scene)).toEqual([
      [T0, 70],
      [T0 + 60_000, 72],
    ]);
  });

  it("leaves one entry a batch, with what was stored and the consent that permitted it", async () => {
    const scene = await openScene();
    await append(scene, "r1", [heartRates(T0, [72, 73, 74])]);
    const [access] = await scene.world.accesses();
    expect(access).toMatchObject({
      patient: scene.world.idFor(scene.maker, scene.patient),
      organization: scene.maker.organization,
      method: "wellapi.ingestion.v1.IngestionService/CreateSeries",
      direction: Direction.CONTRIBUTE,
      items: 3,
      requestId: "r1",
      codes: ["8867-4"],
    });
    expect(access!.consents).toHaveLength(1);
  });
});
