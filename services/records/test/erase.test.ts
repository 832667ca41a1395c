import { timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import { leavesCollection } from "@wellapi/access-log";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { BucketSize, Erasure_State } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { verifyReceipt } from "@wellapi/receipts";
import { describe, expect, it, vi } from "vitest";
import {
  allBytes,
  append,
  heartRates,
  openScene,
  openWorld,
  queryInit,
  readAll,
  reasonOf,
  samplesOf,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
/** Nothing of these may lie in a file in clear: identifiers, a unit, a code, and values as text. */
const canaries = ["canary-serial-77", "CanaryModel", "canary-request-1", "8867-4", "/min"];

describe("ErasePatient", () => {
  it("leaves no canary in clear before, and nothing that opens after", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    const series = {
      ...heartRates(T0, [701, 702, 703, 704]),
      device: { identifier: "canary-serial-77", model: "CanaryModel" },
    };
    const observation = {
      code: { code: "29463-7" },
      effective: { case: "effectiveTime" as const, value: series.times.start.value },
      value: { case: "quantity" as const, value: { value: "4711.47", unit: "kg" } },
    };
    await append(scene, "canary-request-1", [series]);
    const batch = {
      requestId: "canary-request-2",
      patient: world.idFor(maker, patient),
      observations: [observation],
    };
    await world.writer(maker).appendObservations({ batch });
    const [block] = (await world.store.scan("blocks", { equals: [patient.partition], limit: 1 })).documents;
    const sealed = Buffer.from(block!.document.sealed as Uint8Array);

    const before = await allBytes(world.folder);
    for (const canary of [...canaries, "4711.47"]) expect(before.includes(canary), canary).toBe(false);
    expect(before.includes(sealed)).toBe(true); // the search finds what is there

    const { erasure } = await world.own(patient).erasePatient({ patient: world.ownId(patient) });
    expect(erasure!.state).toBe(Erasure_State.DONE);
    const { receipt } = erasure!;
    expect(receipt).toMatchObject({ id: erasure!.id, keysDestroyed: 1, documentsDeleted: 4 });
    expect(receipt!.keyIds).toEqual([expect.stringMatching(/^key_[0-9a-z]{26}$/)]);
    expect(receipt!.id).toMatch(/^era_/);
    expect(timestampMs(receipt!.backupExpireTime!)).toBeGreaterThan(timestampMs(receipt!.keyDestroyTime!));
    await expect(world.vault.key(patient.partition, "data")).rejects.toMatchObject({ code: "destroyed" });
    // What SQLite leaves of deleted rows is sealed under a key that is gone (docs/decisions/0006); the vault's own
    // tests search every file for the wrapped key.
    for (const collection of ["blocks", "observation_blocks", "series", "receipts"]) {
      const { documents } = await world.store.scan(collection, { equals: [patient.partition], limit: 1 });
      expect(documents, collection).toEqual([]);
    }
    const after = await allBytes(world.folder);
    for (const canary of [...canaries, "4711.47"]) expect(after.includes(canary), canary).toBe(false);
    expect(world.patients.get(patient.partition)!.erased).toBeDefined();
    const [opened, closed, ...rest] = (await world.accesses()).filter(({ method }) =>
      method.endsWith("/ErasePatient"),
    );
    expect(rest).toEqual([]);
    expect(opened).toMatchObject({ phase: Access_Phase.OPENED, outcome: Access_Outcome.PERMITTED });
    expect(closed).toMatchObject({
      id: receipt!.access,
      method: "wellapi.records.v1.RecordsService/ErasePatient",
      phase: Access_Phase.CLOSED,
      outcome: Access_Outcome.PERMITTED,
      openedBy: opened!.id,
    });
  });

  it("signs a receipt that verifies offline and says all that the answer says", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    const id = world.ownId(patient);
    const { receipt } = (await world.own(patient).erasePatient({ patient: id })).erasure!;
    const claims = await verifyReceipt("wellapi-erasure-receipt+jwt", receipt!.jws, world.receiptKeys);
    expect(claims).toEqual({
      sub: id,
      erasure: receipt!.id,
      key_destroy_time: timestampDate(receipt!.keyDestroyTime!).toISOString(),
      backup_expire_time: timestampDate(receipt!.backupExpireTime!).toISOString(),
      key_ids: receipt!.keyIds,
      documents_deleted: 2,
      access: receipt!.access,
    });
  });

  it("commits the entry that proves it only when the key is gone and the data deleted", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    const commit = world.store.commit.bind(world.store);
    const seen: unknown[] = [];
    world.store.commit = async (given) => {
      const { changes = [] } = given;
      const done = changes.some(
        (change) =>
          change.kind === "replace" && change.collection === "erasures" && change.document.state === "done",
      );
      if (done) {
        seen.push(await world.vault.key(patient.partition, "data").catch((error) => error.code));
        seen.push((await world.store.scan("blocks", { equals: [patient.partition], limit: 1 })).documents);
        seen.push(
          changes.some((change) => "collection" in change && change.collection === leavesCollection.name),
        );
      }
      return commit(given);
    };
    await world.own(patient).erasePatient({ patient: world.ownId(patient) });
    expect(seen).toEqual(["destroyed", [], true]);
  });

  it("is told by GetErasure: none, running, done", async () => {
    const scene = await openScene();
    const { world, patient, clinic } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    const asked = { patient: world.ownId(patient) };
    expect(await reasonOf(world.own(patient).getErasure(asked))).toBe("NOT_FOUND");
    const { scan } = world.store;
    world.store.scan = async (collection, ...rest) => {
      if (collection === "receipts") throw new Error("cut");
      return scan.call(world.store, collection, ...rest) as never;
    };
    expect(await reasonOf(world.own(patient).erasePatient(asked))).toBe("ERASURE_INCOMPLETE");
    const running = await world.own(patient).getErasure(asked);
    expect(running.erasure).toMatchObject({ state: Erasure_State.RUNNING });
    expect(running.erasure!.receipt).toBeUndefined();
    world.store.scan = scan;
    const done = await world.own(patient).erasePatient(asked);
    expect((await world.own(patient).getErasure(asked)).erasure).toEqual(done.erasure);
    const stranger = world.own(world.patient()).getErasure(asked);
    expect(await reasonOf(stranger)).toBe("CONSENT_REQUIRED");
    expect(await reasonOf(world.reader(clinic).getErasure({ patient: world.idFor(clinic, patient) }))).toBe(
      "CALLER_NOT_PERMITTED",
    );
  });

  it("answers everything as for a patient without consent afterwards, and the same receipt again", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    const erase = () => world.own(patient).erasePatient({ patient: world.ownId(patient) });
    const hour = { purpose: Purpose.PATIENT_REQUEST, from: T0, to: T0 + 3_600_000 };
    const aggregate = () =>
      world.own(patient).aggregateSeries({
        ...queryInit(world.ownId(patient), hour),
        bucketSize: BucketSize.HOUR,
      });
    expect((await aggregate()).aggregates).toHaveLength(1); // and what was opened for it stays with the key
    const first = await erase();
    expect((await erase()).erasure).toEqual(first.erasure);
    const calls = (await world.accesses()).filter(({ method }) => method.endsWith("/ErasePatient"));
    const { OPENED, CLOSED, CALL } = Access_Phase;
    expect(calls.map(({ phase }) => phase)).toEqual([OPENED, CLOSED, CALL]);
    expect(await reasonOf(readAll(scene))).toBe("CONSENT_REQUIRED");
    expect(await reasonOf(aggregate())).toBe("CONSENT_REQUIRED");
    expect(await reasonOf(append(scene, "r2", [heartRates(T0, [71])]))).toBe("CONSENT_REQUIRED");
    const own = queryInit(world.ownId(patient), { purpose: Purpose.PATIENT_REQUEST });
    expect(await reasonOf(world.own(patient).querySeries(own))).toBe("CONSENT_REQUIRED");
    const stream = world.own(patient).readSeries(own);
    expect(await reasonOf(Array.fromAsync(stream))).toBe("CONSENT_REQUIRED");
  });

  it("erases nobody but the caller", async () => {
    const scene = await openScene();
    const { world, patient, clinic } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    const other = world.patient();
    const erase = (as: typeof patient, id: string) => reasonOf(world.own(as).erasePatient({ patient: id }));
    expect(await erase(other, world.ownId(patient))).toBe("CONSENT_REQUIRED");
    expect(await erase(patient, world.idFor(clinic, patient))).toBe("CONSENT_REQUIRED");
    expect(await reasonOf(world.reader(clinic).erasePatient({ patient: world.idFor(clinic, patient) }))).toBe(
      "CALLER_NOT_PERMITTED",
    );
    expect(await readAll(scene)).toHaveLength(1);
  });

  it("stores nothing of appends that it overtakes, even where consent is granted anew at once", async () => {
    const scene = await openScene();
    const { world, patient, maker } = scene;
    await append(scene, "r0", [heartRates(T0, [70])]);
    const appends = Array.from({ length: 12 }, (_, i) =>
      reasonOf(append(scene, `r${i + 1}`, [heartRates(T0 + i * 60_000, [71])])),
    );
    await world.own(patient).erasePatient({ patient: world.ownId(patient) });
    await world.grant(patient, { organization: maker.organization, direction: 1, codes: ["8867-4"] });
    const late = await reasonOf(append(scene, "late", [heartRates(T0, [72])]));
    expect(new Set([...(await Promise.all(appends)), late, "OK"])).toEqual(
      new Set(["OK", "CONSENT_REQUIRED"]),
    );
    expect(late).toBe("CONSENT_REQUIRED");
    for (const collection of ["blocks", "series", "receipts"]) {
      const { documents } = await world.store.scan(collection, { equals: [patient.partition], limit: 10 });
      expect(documents, collection).toEqual([]);
    }
  });

  it("goes on after a restart where it was cut", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    const { scan } = world.store;
    world.store.scan = async (collection, ...rest) => {
      if (collection === "receipts") throw new Error("cut");
      return scan.call(world.store, collection, ...rest) as never;
    };
    expect(await reasonOf(world.own(patient).erasePatient({ patient: world.ownId(patient) }))).toBe(
      "ERASURE_INCOMPLETE",
    );
    world.store.scan = scan;
    await world.close();

    expect(world.patients.get(patient.partition)!.erased).toBeUndefined();
    const again = await openWorld({ folder: world.folder, patients: world.patients });
    await vi.waitFor(() => expect(again.patients.get(patient.partition)!.erased).toBeDefined(), 15_000);
    const { erasure } = await again.own(patient).erasePatient({ patient: again.ownId(patient) });
    expect(erasure!.receipt).toMatchObject({ keysDestroyed: 1, documentsDeleted: 2 });
  });

  it("goes on by itself after a failure, without a restart or another call", async () => {
    const world = await openWorld({ resumeEveryMs: 20 });
    const patient = world.patient();
    const { scan } = world.store;
    world.store.scan = async (collection, ...rest) => {
      if (collection === "receipts") throw new Error("cut");
      return scan.call(world.store, collection, ...rest) as never;
    };
    expect(await reasonOf(world.own(patient).erasePatient({ patient: world.ownId(patient) }))).toBe(
      "ERASURE_INCOMPLETE",
    );
    expect(world.patients.get(patient.partition)!.erased).toBeUndefined();
    world.store.scan = scan;
    await vi.waitFor(() => expect(world.patients.get(patient.partition)!.erased).toBeDefined(), 15_000);
  });

  it("leaves other patients as they were", async () => {
    const scene = await openScene();
    const { world, patient, maker, clinic } = scene;
    const other = world.patient();
    for (const [organization, direction] of [
      [maker.organization, 1],
      [clinic.organization, 2],
    ] as const) {
      await world.grant(other, { organization, direction, codes: ["8867-4"] });
    }
    await append({ ...scene, patient: other }, "r1", [heartRates(T0, [70])]);
    await world.own(patient).erasePatient({ patient: world.ownId(patient) });
    const own = queryInit(world.ownId(other), { purpose: Purpose.PATIENT_REQUEST });
    const page = await world.own(other).querySeries(own);
    expect(samplesOf(page.series[0]!.series!)).toEqual([[T0, 70]]);
  });
});

describe("sealed blocks", () => {
  it("do not open in the place of another", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    await append(scene, "r2", [heartRates(T0 + 60_000, [71])]);
    const { documents } = await world.store.scan("blocks", { equals: [patient.partition], limit: 2 });
    const [first, second] = documents;
    await world.store.commit({
      partition: patient.partition,
      changes: [
        {
          kind: "replace",
          collection: "blocks",
          document: { ...first!.document, sealed: second!.document.sealed },
          ifRevision: first!.revision,
        },
      ],
    });
    expect(await reasonOf(readAll(scene))).toBe("DATA_DAMAGED");
  });
});
