import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Direction, Granularity, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { randomIds, systemClock } from "@wellapi/runtime";
import { SLEEP_STAGE_SYSTEM } from "@wellapi/terminology";
import { describe, expect, it } from "vitest";
import { createPatientQueue } from "../src/blocks/patient-queue.ts";
import { createPass } from "../src/compaction/compaction-pass.ts";
import { movedClock } from "./release-scene.ts";
import { append, HEART_RATE, heartRates, openScene, queryInit, reasonOf, type TestQuery } from "./world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const from = Date.UTC(2016, 3, 12, 6);

type Scene = Awaited<ReturnType<typeof openScene>>;
const rates = (start: number, count: number, value = 60, periodMs = MINUTE) =>
  heartRates(
    start,
    Array.from({ length: count }, () => value),
    periodMs,
  );

async function ask(
  { world, clinic, patient }: Scene,
  query: TestQuery & { from: number; to: number },
  bucketSize = BucketSize.HOUR,
) {
  const init = queryInit(world.idFor(clinic, patient), query);
  return (await world.reader(clinic).aggregateSeries({ ...init, bucketSize })).aggregates;
}

async function compact({ world, patient }: Scene) {
  const { store, vault } = world;
  const deps = { store, vault, queue: createPatientQueue(), clock: systemClock, ids: randomIds };
  await createPass({ ...deps, damage: { report() {} } }, new AbortController().signal)(patient.partition);
}

describe("an aggregate", () => {
  it("marks the buckets that the request cuts, at its start and at its end, and no others", async () => {
    const scene = await openScene();
    await append(scene, "r1", [rates(from, 180)]);
    const partial = async (start: number, end: number) =>
      (await ask(scene, { from: start, to: end })).flatMap(({ buckets }) =>
        buckets.map(({ partial: cut, count, startTime, endTime }) => [
          (timestampMs(startTime!) - from) / HOUR,
          (timestampMs(endTime!) - from) / HOUR,
          Number(count),
          cut,
        ]),
      );
    expect(await partial(from, from + 3 * HOUR)).toEqual([
      [0, 1, 60, false],
      [1, 2, 60, false],
      [2, 3, 60, false],
    ]);
    expect(await partial(from + 10 * MINUTE, from + 3 * HOUR - 20 * MINUTE)).toEqual([
      [0, 1, 50, true],
      [1, 2, 60, false],
      [2, 3, 40, true],
    ]);
    expect(await partial(from + 70 * MINUTE, from + 80 * MINUTE)).toEqual([[1, 2, 10, true]]);
  });

  it("tells the source of what was sent last, compacted or not", async () => {
    const scene = await openScene();
    const model = (name: string) => ({ device: { identifier: "serial-1", model: name } });
    const models = async (start: number, end: number) =>
      (await ask(scene, { from: start, to: end })).map(({ source }) => source!.deviceModel);
    await append(scene, "r1", [{ ...rates(from + 4 * HOUR, 60), ...model("Second") }]);
    await append(scene, "r2", [{ ...rates(from, 60), ...model("First") }]);
    for (const settle of [async () => {}, () => compact(scene)]) {
      await settle();
      expect(await models(from, from + 8 * HOUR)).toEqual(["First"]);
      expect(await models(from + 4 * HOUR, from + 8 * HOUR)).toEqual(["Second"]);
    }
    await append(scene, "r3", [{ ...rates(from + 6 * HOUR, 1), ...model("Third") }]);
    expect(await models(from, from + 8 * HOUR)).toEqual(["Third"]);
    expect(await models(from, from + 2 * HOUR)).toEqual(["First"]);
  });

  it("leaves an entry of all samples that were counted", async () => {
    const scene = await openScene();
    await append(scene, "r1", [rates(from, 90), { ...rates(from, 30), device: { identifier: "serial-2" } }]);
    expect(await ask(scene, { from, to: from + 2 * HOUR })).toHaveLength(2);
    expect(await ask(scene, { from: from + 5 * HOUR, to: from + 6 * HOUR })).toEqual([]);
    const entries = (await scene.world.accesses()).filter(({ direction }) => direction === Direction.READ);
    expect(entries.map(({ items, consents }) => [Number(items), consents[0]!.consent])).toEqual([
      [120, scene.consent],
      [0, scene.consent],
    ]);
  });

  it("of their own data patients get as fine as they ask, of any provider", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    await append(scene, "r1", [rates(from, 3)]);
    const own = {
      ...queryInit(world.ownId(patient), { from, to: from + HOUR, purpose: Purpose.PATIENT_REQUEST }),
      bucketSize: BucketSize.MINUTE,
    };
    const { aggregates } = await world.own(patient).aggregateSeries(own);
    expect(aggregates[0]!.buckets.map(({ count, min }) => [Number(count), min])).toEqual([
      [1, "60"],
      [1, "60"],
      [1, "60"],
    ]);
    const entry = (await world.accesses()).find(({ direction }) => direction === Direction.READ)!;
    expect([Number(entry.items), entry.consents]).toEqual([3, []]);
  });

  it("of a patient whom identity does not know, or in a unit that measures something else, is refused", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    await append(scene, "r1", [rates(from, 3)]);
    expect(await reasonOf(ask(scene, { from, to: from + HOUR, unit: "kg" }))).toBe("INVALID_FIELD");
    world.patients.delete(patient.partition);
    const query = { ...queryInit(world.idFor(clinic, patient), { from, to: from + HOUR }) };
    const call = world.reader(clinic).aggregateSeries({ ...query, bucketSize: BucketSize.HOUR });
    expect(await reasonOf(call)).toBe("CONSENT_REQUIRED");
  });

  it("of more buckets and units than an answer is made of is refused, before they fill the memory", async () => {
    const scene = await openScene();
    const count = 8_400;
    const unit = (i: number) => ({ ...rates(from + i, count), unit: `{beats${i}}/min` });
    await append(
      scene,
      "r1",
      Array.from({ length: 5 }, (_, i) => unit(i)),
    );
    const minutes = () => ask(scene, { from, to: from + count * MINUTE }, BucketSize.MINUTE);
    expect(await minutes()).not.toEqual([]);
    await append(scene, "r2", [unit(5)]);
    expect(await reasonOf(minutes())).toBe("INVALID_FIELD");
  }, 60_000);
});

describe("a reader of hourly data", () => {
  it("is told of the told buckets alone where others are withheld between them", async () => {
    const clock = movedClock(from);
    const scene = await openScene(
      { resolution: Resolution.HOURLY, window: { from: from + HOUR, to: from + 2 * HOUR } },
      { clock },
    );
    const { world, clinic, patient } = scene;
    await world.grant(patient, {
      ...{ organization: clinic.organization, direction: Direction.READ, codes: [HEART_RATE] },
      ...{ resolution: Resolution.HOURLY, window: { from: from + 3 * HOUR, to: from + 4 * HOUR } },
    });
    await append(scene, "r1", [
      { ...rates(from, 5 * 60), device: { identifier: "serial-1", model: "Band" } },
    ]);
    clock.time = from + 10 * HOUR;
    const aggregates = await ask(scene, { from, to: from + 6 * HOUR });
    expect(aggregates.map(({ source }) => source!.deviceModel)).toEqual(["Band"]);
    expect(
      aggregates[0]!.buckets.map(({ startTime, count, min, max, sum, mean }) => [
        (timestampMs(startTime!) - from) / HOUR,
        ...[Number(count), min, max, sum, mean],
      ]),
    ).toEqual([
      [1, 60, undefined, undefined, "3600", "60"],
      [3, 60, undefined, undefined, "3600", "60"],
    ]);
  });

  it("gets what was sent in several units as one where a unit is wanted, and each for itself where none is", async () => {
    const clock = movedClock(from);
    const scene = await openScene({ resolution: Resolution.HOURLY }, { clock });
    await append(scene, "r1", [rates(from, 6), { ...rates(from + 20 * MINUTE, 6, 2), unit: "Hz" }]);
    clock.time = from + 2 * HOUR;
    const told = async (unit?: string) =>
      (await ask(scene, { from, to: from + HOUR, ...(unit === undefined ? {} : { unit }) })).map((one) => [
        one.unit,
        ...one.buckets.map(({ count, sum, min }) => [Number(count), sum, min]),
      ]);
    expect((await told()).sort()).toEqual([
      ["/min", [6, "360", undefined]],
      ["Hz", [6, "12", undefined]],
    ]);
    // 2 Hz are 120 a minute.
    expect(await told("/min")).toEqual([["/min", [12, "1080", undefined]]]);
    expect(await told("Hz")).toEqual([["Hz", [12, "18", undefined]]]);
  });
});

describe("an aggregate of codes", () => {
  const stages = (start: number, lengthsMin: number[], indexes: number[], model = "Band") => ({
    ...heartRates(start, []),
    code: { code: "sleep-stage", system: SLEEP_STAGE_SYSTEM },
    unit: "",
    granularity: Granularity.EPISODE,
    device: { identifier: "serial-1", model },
    times: {
      start: { case: "startTime" as const, value: timestampFromMs(start) },
      utcOffsetMinutes: 120,
      spacing: {
        case: "gaps" as const,
        value: { gapsMs: lengthsMin.slice(0, -1).map((length) => length * MINUTE) },
      },
      durationsMs: lengthsMin.map((length) => length * MINUTE),
    },
    values: {
      case: "coded" as const,
      value: {
        dictionary: ["light", "deep", "rem"].map((code) => ({ system: SLEEP_STAGE_SYSTEM, code })),
        indexes,
      },
    },
  });

  it("has no unit and no component, the source of what was sent last, and counts what reaches in", async () => {
    const scene = await openScene({ window: { from: from + 30 * MINUTE, to: from + 6 * HOUR } });
    await append(scene, "r1", [stages(from + 3 * HOUR, [30], [2], "Later")]);
    await append(scene, "r2", [stages(from, [40, 50, 60], [0, 1, 0], "Earlier")]);
    const aggregates = await ask(scene, { code: "sleep-stage", from: from + HOUR, to: from + 4 * HOUR });
    expect(aggregates.map(({ unit, component, source }) => [unit, component, source!.deviceModel])).toEqual([
      ["", undefined, "Earlier"],
    ]);
    const hours = aggregates[0]!.buckets.map(({ startTime, count, codeTimes }) => [
      (timestampMs(startTime!) - from) / HOUR,
      Number(count),
      Object.fromEntries(
        codeTimes.map(({ value, duration }) => [value!.code, Number(duration!.seconds) / 60]),
      ),
    ]);
    // The deep sleep of 0:40 to 1:30 begins within the window; the light one of 0:00 to 0:40 does not.
    expect(hours).toEqual([
      [1, 2, { deep: 30, light: 30 }],
      [2, 1, { light: 30 }],
      [3, 1, { rem: 30 }],
    ]);
    expect(await ask(scene, { code: "sleep-stage", from: from + 4 * HOUR, to: from + 5 * HOUR })).toEqual([]);
    await append(scene, "r3", [stages(from + 5 * HOUR, [30], [0], "Last")]);
    const again = await ask(scene, { code: "sleep-stage", from: from + HOUR, to: from + 6 * HOUR });
    expect(again.map(({ source }) => source!.deviceModel)).toEqual(["Last"]);
  });
});
