import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it, vi } from "vitest";
import {
  append,
  application,
  heartRates,
  openScene,
  queryInit,
  readAll,
  reasonOf,
  STEPS,
  samplesOf,
  WEIGHT,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const MINUTE = 60_000;
const DAY = 86_400_000;

describe("ReadSeries", () => {
  it("lets the later batch win where the same hours come again", async () => {
    const scene = await openScene();
    await append(scene, "r1", [heartRates(T0, [70, 71, 72, 73])]);
    await append(scene, "r2", [heartRates(T0 + MINUTE, [81, 82])]);
    expect((await readAll(scene)).map(([, value]) => value)).toEqual([70, 81, 82, 73]);
  });

  it("reads all of what interleaves more than it may hold at a time", async () => {
    const scene = await openScene();
    const values = (value: number) => Array.from({ length: 26_000 }, () => value);
    await append(scene, "r1", [heartRates(T0, values(70), 2), heartRates(T0 + 1, values(71), 2)]);
    expect(await readAll(scene)).toEqual(Array.from({ length: 52_000 }, (_, i) => [T0 + i, 70 + (i % 2)]));
  });

  it("shows what lay beneath a batch that was taken back", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [70, 71])]);
    const second = await append(scene, "r2", [heartRates(T0, [80, 81])]);
    const retraction = {
      patient: world.idFor(maker, patient),
      target: { case: "batch" as const, value: second.batch },
      reason: RetractionReason.ENTERED_IN_ERROR,
    };
    const first = await world.writer(maker).retractBatch({ retraction });
    expect(first.items).toBe(2);
    expect(Math.abs(timestampMs(first.retractTime!) - Date.now())).toBeLessThan(60_000);
    expect((await readAll(scene)).map(([, value]) => value)).toEqual([70, 71]);
    expect(await world.writer(maker).retractBatch({ retraction })).toEqual(first);
    // Accepted once is final: a resend does not bring it back, and says so.
    const again = await append(scene, "r2", [heartRates(T0, [80, 81])]);
    expect([again.batch, again.items.map(({ status }) => status)]).toEqual([
      second.batch,
      [ItemOutcome_Status.RETRACTED],
    ]);
    expect((await readAll(scene)).map(([, value]) => value)).toEqual([70, 71]);
  });

  it("finds neither an unknown batch to take back nor another organization's", async () => {
    const scene = await openScene();
    const { world, maker, patient, clinic } = scene;
    const { batch } = await append(scene, "r1", [heartRates(T0, [70])]);
    const retract = (as: typeof maker, patientId: string, batchId: string) =>
      reasonOf(
        world.writer(as).retractBatch({
          retraction: {
            patient: patientId,
            target: { case: "batch" as const, value: batchId },
            reason: RetractionReason.SUPERSEDED,
          },
        }),
      );
    expect(await retract(maker, world.idFor(maker, patient), "bat_00000000000000000000000000")).toBe(
      "NOT_FOUND",
    );
    expect(await retract(clinic, world.idFor(clinic, patient), batch)).toBe("NOT_FOUND");
    expect(await retract(maker, "nobody", batch)).toBe("NOT_FOUND");
    expect(await readAll(scene)).toHaveLength(1);
  });

  it("keeps devices apart and gives each reader ids of its own", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    const other = { ...heartRates(T0, [90]), device: { identifier: "serial-2", model: "Ring" } };
    await append(scene, "r1", [heartRates(T0, [70]), other]);
    const page = await world.reader(clinic).querySeries(queryInit(world.idFor(clinic, patient), {}));
    const devices = page.series.map(({ source }) => [source!.deviceModel, source!.deviceId]);
    expect(new Set(devices.map(([model]) => model))).toEqual(new Set(["Band", "Ring"]));
    expect(new Set(devices.map(([, id]) => id)).size).toBe(2);
    const own = await world
      .own(patient)
      .querySeries(queryInit(world.ownId(patient), { purpose: Purpose.PATIENT_REQUEST }));
    const known = new Set(devices.map(([, id]) => id));
    expect(own.series.map(({ source }) => known.has(source!.deviceId))).toEqual([false, false]);
    expect(page.series[0]!.series!.device).toBeUndefined();
  });

  it("gives exact decimals as sent, and converted ones to the digits asked for", async () => {
    const scene = await openScene();
    const weight = {
      ...heartRates(T0, []),
      code: { code: WEIGHT },
      unit: "[lb_av]",
      values: { case: "decimals" as const, value: { scale: 2, mantissas: [18050, 18100] } },
    };
    await append(scene, "r1", [weight]);
    const { world, clinic, patient } = scene;
    const id = world.idFor(clinic, patient);
    const sent = await world.reader(clinic).querySeries(queryInit(id, { code: WEIGHT }));
    expect(sent.series[0]!.series!.unit).toBe("[lb_av]");
    expect(sent.series[0]!.series!.values.value).toMatchObject({ scale: 2, mantissas: [18050, 18100] });
    const converted = await world
      .reader(clinic)
      .querySeries(queryInit(id, { code: WEIGHT, unit: "kg", digits: 2 }));
    expect(converted.series[0]!.series!.values.value).toMatchObject({ scale: 2, mantissas: [8187, 8210] });
    expect(
      await reasonOf(world.reader(clinic).querySeries(queryInit(id, { code: WEIGHT, unit: "cm" }))),
    ).toBe("INVALID_FIELD");
  });

  it("converts to as many digits as the exact result needs where none are asked for", async () => {
    const scene = await openScene({ codes: ["8310-5"] });
    const { world, clinic, maker, patient } = scene;
    await world.grant(patient, {
      organization: maker.organization,
      direction: Direction.CONTRIBUTE,
      codes: ["8310-5"],
    });
    const temperature = {
      ...heartRates(T0, []),
      code: { code: "8310-5" },
      unit: "[degF]",
      values: { case: "decimals" as const, value: { scale: 2, mantissas: [9860] } },
    };
    await append(scene, "r1", [temperature]);
    const query = (digits?: number) =>
      world.reader(clinic).querySeries(
        queryInit(world.idFor(clinic, patient), {
          code: "8310-5",
          unit: "Cel",
          ...(digits === undefined ? {} : { digits }),
        }),
      );
    const values = async (digits?: number) => (await query(digits)).series[0]!.series!.values.value;
    expect(await values()).toMatchObject({ scale: 2, mantissas: [3700] });
    expect(await values(0)).toMatchObject({ scale: 0, mantissas: [37] });
  });

  it("answers a system or code that is not known like one without consent or data", async () => {
    const scene = await openScene({ codes: ["8867-4", "sleep-stage"] });
    const { world, clinic, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    const unknown = [
      { code: "8867-4", system: "http://example.org/codes" },
      { code: "sleep-stage" }, // of a system of its own, not of LOINC
      { code: "99999-9" },
      { code: "x".repeat(64), system: `http://example.org/${"y".repeat(150)}` },
    ];
    for (const code of unknown) {
      const asked = { ...queryInit(world.idFor(clinic, patient), {}), code };
      expect(await reasonOf(world.reader(clinic).querySeries(asked))).toBe("CONSENT_REQUIRED");
      const own = queryInit(world.ownId(patient), { purpose: Purpose.PATIENT_REQUEST });
      expect((await world.own(patient).querySeries({ ...own, code })).series).toEqual([]);
    }
    const named = {
      ...queryInit(world.idFor(clinic, patient), {}),
      code: { system: "http://loinc.org", code: "8867-4" },
    };
    expect((await world.reader(clinic).querySeries(named)).series).toHaveLength(1);
  });

  it("releases only what the windows of the consents hold", async () => {
    const scene = await openScene({ window: { from: T0 + MINUTE, to: T0 + 3 * MINUTE } });
    await append(scene, "r1", [heartRates(T0, [70, 71, 72, 73])]);
    expect((await readAll(scene)).map(([, value]) => value)).toEqual([71, 72]);
    expect((await readAll(scene, { from: T0 + 2 * MINUTE })).map(([, value]) => value)).toEqual([72]);
  });

  it("releases of a sliding window what it holds at the time, without a recall", async () => {
    const scene = await openScene({ lastMs: 3_000 });
    const sendAndRead = async () => {
      const now = Date.now();
      await append(scene, `r${now}`, [heartRates(now - 60_000, [70]), heartRates(now - 500, [71])]);
      return { now, values: (await readAll(scene)).map(([, value]) => value) };
    };
    let { now, values } = await sendAndRead();
    // On a machine that stood still meanwhile, the window has moved on.
    while (Date.now() - now > 2_400) ({ now, values } = await sendAndRead());
    expect(new Set(values)).toEqual(new Set([71]));
    await vi.waitFor(async () => expect(await readAll(scene)).toEqual([]), { timeout: 15_000, interval: 50 });
    expect(Date.now() - now).toBeGreaterThanOrEqual(2_500);
  });

  it("refuses other codes, other purposes and strangers alike, and logs why to the patient", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    const stranger = application();
    const read = (as: typeof clinic, query: Parameters<typeof queryInit>[1]) =>
      reasonOf(world.reader(as).querySeries(queryInit(world.idFor(as, patient), query)));
    expect(await read(clinic, { code: STEPS })).toBe("CONSENT_REQUIRED");
    expect(await read(clinic, { purpose: Purpose.RESEARCH })).toBe("CONSENT_REQUIRED");
    expect(await read(stranger, {})).toBe("CONSENT_REQUIRED");
    const accesses = (await world.accesses()).filter(({ outcome }) => outcome === Access_Outcome.DENIED);
    expect(accesses.map(({ reason }) => reason)).toEqual([
      "CONSENT_CATEGORY",
      "CONSENT_PURPOSE",
      "CONSENT_NO_CONSENT",
    ]);
  });

  it("sends hourly and daily readers to AggregateSeries", async () => {
    const scene = await openScene({ resolution: Resolution.HOURLY });
    const { world, clinic, patient } = scene;
    const call = world.reader(clinic).querySeries(queryInit(world.idFor(clinic, patient), {}));
    expect(await reasonOf(call)).toBe("RESOLUTION_TOO_FINE");
    await expect(readAll(scene)).rejects.toThrow("AggregateSeries");
  });

  it("lets patients read their own data from any provider, and nobody else's", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [70])]);
    const query = { purpose: Purpose.PATIENT_REQUEST };
    const page = await world.own(patient).querySeries(queryInit(world.ownId(patient), query));
    expect(samplesOf(page.series[0]!.series!)).toEqual([[T0, 70]]);
    const other = world.patient();
    expect(await reasonOf(world.own(other).querySeries(queryInit(world.ownId(patient), query)))).toBe(
      "CONSENT_REQUIRED",
    );
    expect(await reasonOf(world.own(patient).querySeries(queryInit(world.ownId(patient), {})))).toBe(
      "INVALID_FIELD",
    );
  });

  it("streams a year whole, in messages of bounded size, and logs an opening and a closing entry", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    for (let week = 0; week < 52; week++) {
      const values = Array.from({ length: 7 * 1_440 }, (_, minute) => 60 + ((week + minute) % 40));
      await append(scene, `week-${week}`, [heartRates(T0 + week * 7 * DAY, values)]);
    }
    let samples = 0;
    let largest = 0;
    let previous = 0;
    let announced = 0;
    for await (const { payload } of world
      .reader(clinic)
      .readSeries(queryInit(world.idFor(clinic, patient), {}))) {
      if (payload.case === "end") announced = payload.value.samples!;
      if (payload.case !== "series") continue;
      const piece = samplesOf(payload.value.series!);
      expect(piece[0]![0]).toBe(previous === 0 ? T0 : previous + MINUTE);
      previous = piece.at(-1)![0];
      samples += piece.length;
      largest = Math.max(largest, piece.length);
    }
    expect([samples, announced]).toEqual([52 * 7 * 1_440, 52 * 7 * 1_440]);
    expect(largest).toBeLessThanOrEqual(10_000);
    const entries = (await world.accesses()).filter(({ direction }) => direction === Direction.READ);
    expect(entries.map(({ phase, items }) => [phase, items])).toEqual([
      [Access_Phase.OPENED, 0],
      [Access_Phase.CLOSED, samples],
    ]);
    expect(entries[1]!.openedBy).toBe(entries[0]!.id);
  });

  it("ends in the middle, before the next message, once the consent is revoked", async () => {
    const scene = await openScene();
    const { world, clinic, patient, consent } = scene;
    for (const day of [0, 1, 2]) {
      const values = Array.from({ length: 20_000 }, () => 60);
      await append(scene, `day-${day}`, [heartRates(T0 + day * DAY, values, 1_000)]);
    }
    const stream = world.reader(clinic).readSeries(queryInit(world.idFor(clinic, patient), {}));
    let received = 0;
    const read = async () => {
      for await (const { payload } of stream) {
        if (payload.case !== "series") continue;
        received++;
        if (received === 1) await world.consent.revoke(consent);
      }
    };
    expect(await reasonOf(read())).toBe("CONSENT_REVOKED");
    expect(received).toBeLessThanOrEqual(2); // one was on its way
    const closing = (await world.accesses()).find(({ phase }) => phase === Access_Phase.CLOSED);
    expect(closing).toMatchObject({ outcome: Access_Outcome.DENIED, reason: "CONSENT_REVOKED" });
    expect(await reasonOf(readAll(scene))).toBe("CONSENT_REQUIRED");
  });
});

describe("QuerySeries", () => {
  it("pages through everything once, also while samples are added between the pages", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    const other = { ...heartRates(T0, [1, 2, 3, 4, 5]), device: { identifier: "serial-2" } };
    await append(scene, "r1", [heartRates(T0, [70, 71, 72, 73, 74, 75, 76]), other]);
    const values: number[] = [];
    let pageToken = "";
    let pages = 0;
    do {
      const init = queryInit(world.idFor(clinic, patient), {});
      const page = await world.reader(clinic).querySeries({ ...init, pageSize: 3, pageToken });
      values.push(...page.series.flatMap(({ series }) => samplesOf(series!).map(([, value]) => value)));
      pageToken = page.nextPageToken;
      pages++;
      await append(scene, `before-${pages}`, [heartRates(T0 - pages * MINUTE, [50])]);
    } while (pageToken !== "");
    const added = values.filter((value) => value === 50); // of a series whose turn came later
    expect(values.filter((value) => value !== 50).sort((a, b) => a - b)).toEqual([
      1, 2, 3, 4, 5, 70, 71, 72, 73, 74, 75, 76,
    ]);
    expect(added.length).toBeLessThan(pages);
  });

  it("refuses a token that is forged, of another query or of another caller", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    const second = application();
    await world.grant(patient, {
      organization: second.organization,
      direction: Direction.READ,
      codes: ["8867-4"],
    });
    await append(scene, "r1", [heartRates(T0, [70, 71, 72])]);
    const init = queryInit(world.idFor(clinic, patient), {});
    const { nextPageToken } = await world.reader(clinic).querySeries({ ...init, pageSize: 1 });
    const query = (as: typeof clinic, changed: object) =>
      reasonOf(
        world.reader(as).querySeries({ ...queryInit(world.idFor(as, patient), {}), pageSize: 1, ...changed }),
      );
    expect(await query(clinic, { pageToken: nextPageToken })).toBe("OK");
    const forged = Buffer.from(nextPageToken, "base64url");
    forged[forged.length - 1]! ^= 1;
    expect(await query(clinic, { pageToken: forged.toString("base64url") })).toBe("INVALID_PAGE_TOKEN");
    expect(await query(clinic, { pageToken: nextPageToken, digits: 1 })).toBe("INVALID_PAGE_TOKEN");
    expect(await query(second, { pageToken: nextPageToken })).toBe("INVALID_PAGE_TOKEN");
  });
});
