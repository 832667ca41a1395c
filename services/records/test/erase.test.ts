import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
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

    const { receipt } = await world.own(patient).erasePatient({ patient: world.ownId(patient) });
    expect(receipt).toMatchObject({ keysDestroyed: 1, documentsDeleted: 4n });
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
    const erasures = (await world.accesses()).filter(({ id }) => id === receipt!.access);
    expect(erasures.map(({ method, outcome }) => [method, outcome])).toEqual([
      ["wellapi.records.v1.RecordsService/ErasePatient", Access_Outcome.PERMITTED],
    ]);
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
    expect((await erase()).receipt).toEqual(first.receipt);
    const calls = (await world.accesses()).filter(({ method }) => method.endsWith("/ErasePatient"));
    expect(calls).toHaveLength(2); // one entry a request
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
    world.store.scan = (collection, ...rest) =>
      collection === "receipts" ? Promise.reject(new Error("cut")) : scan(collection, ...rest);
    expect(await reasonOf(world.own(patient).erasePatient({ patient: world.ownId(patient) }))).toBe(
      "ERASURE_INCOMPLETE",
    );
    world.store.scan = scan;
    await world.close();

    expect(world.patients.get(patient.partition)!.erased).toBeUndefined();
    const again = await openWorld({ folder: world.folder, patients: world.patients });
    await vi.waitFor(() => expect(again.patients.get(patient.partition)!.erased).toBeDefined());
    const { receipt } = await again.own(patient).erasePatient({ patient: again.ownId(patient) });
    expect(receipt).toMatchObject({ keysDestroyed: 1, documentsDeleted: 2n });
  });

  it("goes on by itself after a failure, without a restart or another call", async () => {
    const world = await openWorld({ resumeEveryMs: 20 });
    const patient = world.patient();
    const { scan } = world.store;
    world.store.scan = (collection, ...rest) =>
      collection === "receipts" ? Promise.reject(new Error("cut")) : scan(collection, ...rest);
    expect(await reasonOf(world.own(patient).erasePatient({ patient: world.ownId(patient) }))).toBe(
      "ERASURE_INCOMPLETE",
    );
    expect(world.patients.get(patient.partition)!.erased).toBeUndefined();
    world.store.scan = scan;
    await vi.waitFor(() => expect(world.patients.get(patient.partition)!.erased).toBeDefined());
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
    expect(await reasonOf(readAll(scene))).toBe("INTERNAL");
  });
});
