import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { Direction, Granularity, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { SLEEP_STAGE_SYSTEM } from "@wellapi/terminology";
import { describe, expect, it } from "vitest";
import { movedClock } from "./release-scene.ts";
import { append, heartRates, openScene, queryInit, reasonOf, type TestQuery, WEIGHT } from "./world.ts";

const HOUR = 3_600_000;

async function aggregate(
  { world, clinic, patient }: Awaited<ReturnType<typeof openScene>>,
  bucketSize: BucketSize,
  query: TestQuery & { from: number; to: number },
) {
  const init = queryInit(world.idFor(clinic, patient), query);
  const { aggregates } = await world.reader(clinic).aggregateSeries({ ...init, bucketSize });
  return aggregates.map(({ buckets, unit, component, source }) => ({
    unit,
    component: component?.code,
    model: source!.deviceModel,
    buckets: buckets.map(({ startTime, endTime, count, min, max, mean, sum }) => ({
      from: timestampMs(startTime!),
      hours: (timestampMs(endTime!) - timestampMs(startTime!)) / HOUR,
      numbers: [Number(count), min, max, mean, sum],
    })),
  }));
}

/** One sample each half hour. */
function halfHourly(from: number, hours: number) {
  return heartRates(
    from,
    Array.from({ length: hours * 2 }, () => 60),
    HOUR / 2,
  );
}

/** Enough in an hour to be told under a consent for hourly data. */
function everyTenMinutes(from: number, hours: number) {
  return heartRates(
    from,
    Array.from({ length: hours * 6 }, () => 60),
    HOUR / 6,
  );
}

describe("AggregateSeries", () => {
  it("says in its entry how fine its answer was, and a list of series says nothing, for it sends no values", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    const start = Date.UTC(2026, 3, 12, 22);
    await append(scene, "r1", [halfHourly(start, 24)]);
    const query = { from: start, to: start + 24 * HOUR };
    for (const size of [BucketSize.MINUTE, BucketSize.HOUR, BucketSize.DAY])
      await aggregate(scene, size, query);
    await world
      .reader(clinic)
      .listSeries({ patient: world.idFor(clinic, patient), purpose: Purpose.TREATMENT });
    const told = (await world.accesses()).filter(({ direction }) => direction === Direction.READ);
    expect(told.map(({ resolution }) => resolution)).toEqual([
      Resolution.RAW,
      Resolution.HOURLY,
      Resolution.DAILY,
      Resolution.UNSPECIFIED,
    ]);
  });

  it("reckons by a patient's first time zone also before its stated start", async () => {
    const scene = await openScene();
    const start = Date.UTC(2016, 3, 12, 22); // 13 April 2016, 00:00 in Berlin
    scene.world.patients.set(scene.patient.partition, {
      zones: [{ from: start + 240 * HOUR, zone: "Europe/Berlin" }],
    });
    await append(scene, "r1", [halfHourly(start, 24)]);
    const [days] = await aggregate(scene, BucketSize.DAY, { from: start, to: start + 24 * HOUR });
    expect(days!.buckets.map(({ from, numbers }) => [from, numbers[0]])).toEqual([[start, 48]]);
  });

  it("counts days of 23 and 25 hours where the clocks change in Berlin", async () => {
    const scene = await openScene();
    const spring = Date.UTC(2016, 2, 25, 23); // Saturday 26 March 2016, 00:00 in Berlin
    await append(scene, "spring", [halfHourly(spring, 24 * 3)]);
    const [inSpring] = await aggregate(scene, BucketSize.DAY, { from: spring, to: spring + 71 * HOUR });
    expect(inSpring!.buckets.map(({ hours, numbers }) => [hours, numbers[0]])).toEqual([
      [24, 48],
      [23, 46],
      [24, 48],
    ]);
    const autumn = Date.UTC(2016, 9, 28, 22); // Saturday 29 October 2016, 00:00 in Berlin
    await append(scene, "autumn", [halfHourly(autumn, 24 * 3 + 1)]);
    const [inAutumn] = await aggregate(scene, BucketSize.DAY, { from: autumn, to: autumn + 73 * HOUR });
    expect(inAutumn!.buckets.map(({ hours, numbers }) => [hours, numbers[0]])).toEqual([
      [24, 48],
      [25, 50],
      [24, 48],
    ]);
    const [hours] = await aggregate(scene, BucketSize.HOUR, {
      from: Date.UTC(2016, 9, 30, 0), // 02:00, and 02:00 again an hour later
      to: Date.UTC(2016, 9, 30, 2),
    });
    expect(hours!.buckets.map(({ numbers }) => numbers[0])).toEqual([2, 2]);
  });

  it("is exact, rounds the mean half to even and never mixes devices", async () => {
    const scene = await openScene();
    const from = Date.UTC(2016, 3, 12, 6);
    const decimals = (mantissas: number[], scale: number) => ({
      values: { case: "decimals" as const, value: { scale, mantissas } },
    });
    await append(scene, "r1", [
      { ...heartRates(from, []), ...decimals([705, 710, 710], 1) },
      { ...heartRates(from, [50]), device: { identifier: "serial-2", model: "Ring" } },
    ]);
    await append(scene, "r2", [{ ...heartRates(from + 180_000, []), ...decimals([7075], 2) }]);
    const aggregates = await aggregate(scene, BucketSize.HOUR, { from, to: from + HOUR, digits: 1 });
    const byModel = new Map(aggregates.map(({ model, buckets }) => [model, buckets[0]!.numbers]));
    expect(byModel.get("Band")).toEqual([4, "70.5", "71.0", "70.8", "283.25"]); // 70.8125
    expect(byModel.get("Ring")).toEqual([1, "50", "50", "50.0", "50"]);
  });

  it("tells exact numbers where no digits are asked for", async () => {
    const scene = await openScene();
    const from = Date.UTC(2016, 3, 12, 6);
    const decimals = (mantissas: number[], scale: number) => ({
      values: { case: "decimals" as const, value: { scale, mantissas } },
    });
    await append(scene, "r1", [{ ...heartRates(from, []), ...decimals([988], 1) }]);
    await append(scene, "r2", [{ ...heartRates(from + 60_000, []), ...decimals([9890], 2) }]);
    await append(scene, "r3", [heartRates(from + HOUR, [60, 60, 61])]);
    const [hours] = await aggregate(scene, BucketSize.HOUR, { from, to: from + 2 * HOUR });
    expect(hours!.buckets.map(({ numbers }) => numbers)).toEqual([
      [2, "98.8", "98.90", "98.85", "197.70"],
      [3, "60", "61", "60.333333333", "181"],
    ]);
    const perSecond = await aggregate(scene, BucketSize.HOUR, { from, to: from + HOUR, unit: "Hz" });
    // 98.80 a minute have no end as a frequency; both together have: 197.70 / 60 = 3.295.
    expect(perSecond[0]!.buckets[0]!.numbers).toEqual([2, "1.646666667", "1.648333333", "1.6475", "3.295"]);
  });

  it("pages neither lose nor double a bucket while data arrives before, behind and beside", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    const from = Date.UTC(2016, 3, 12, 6);
    const ring = { device: { identifier: "serial-2", model: "Ring" } };
    await append(scene, "r1", [halfHourly(from, 30), { ...halfHourly(from, 30), ...ring }]);
    const init = {
      ...queryInit(world.idFor(clinic, patient), { from: from - 24 * HOUR, to: from + 40 * HOUR }),
      bucketSize: BucketSize.HOUR,
      pageSize: 7,
    };
    const seen: string[] = [];
    let [pageToken, arrivals] = ["", 0];
    do {
      const page = await world.reader(clinic).aggregateSeries({ ...init, pageToken });
      for (const { source, buckets } of page.aggregates) {
        for (const { startTime } of buckets) {
          seen.push(`${source!.deviceModel} ${(timestampMs(startTime!) - from) / HOUR}`);
        }
      }
      pageToken = page.nextPageToken;
      arrivals++;
      await append(scene, `more-${arrivals}`, [
        heartRates(from - arrivals * HOUR, [61]), // a bucket before those that were told
        { ...heartRates(from + 120_000, [62]), ...ring }, // into a bucket that was told, or is not yet
      ]);
    } while (pageToken !== "");
    expect(new Set(seen).size).toBe(seen.length);
    const wanted = ["Band", "Ring"].flatMap((model) =>
      Array.from({ length: 30 }, (_, hour) => `${model} ${hour}`),
    );
    expect(seen).toEqual(expect.arrayContaining(wanted));
    const { nextPageToken } = await world.reader(clinic).aggregateSeries(init);
    const other = { ...init, bucketSize: BucketSize.DAY, pageToken: nextPageToken };
    expect(await reasonOf(world.reader(clinic).aggregateSeries(other))).toBe("INVALID_PAGE_TOKEN");
  });

  it("tells how long each sleep stage held, cut at the edges of buckets, and nothing outside the window", async () => {
    const start = Date.UTC(2016, 3, 12, 22);
    const minute = 60_000;
    const stages = (from: number, durationsMin: number[], indexes: number[]) => ({
      ...heartRates(from, []),
      code: { code: "sleep-stage", system: SLEEP_STAGE_SYSTEM },
      unit: "",
      granularity: Granularity.EPISODE,
      times: {
        start: { case: "startTime" as const, value: timestampFromMs(from) },
        utcOffsetMinutes: 120,
        spacing: {
          case: "gaps" as const,
          value: { gapsMs: durationsMin.slice(0, -1).map((length) => length * minute) },
        },
        durationsMs: durationsMin.map((length) => length * minute),
      },
      values: {
        case: "coded" as const,
        value: {
          dictionary: ["light", "deep", "rem"].map((code) => ({ system: SLEEP_STAGE_SYSTEM, code })),
          indexes,
        },
      },
    });
    const scene = await openScene();
    // From 22:00: light 50 min, deep 40, light 20, rem 130 (to 02:00), light 0 at an instant's length.
    await append(scene, "r1", [stages(start, [50, 40, 20, 130], [0, 1, 0, 2])]);
    const ask = async (query: Partial<{ from: number; to: number }> = {}) => {
      const init = queryInit(scene.world.idFor(scene.clinic, scene.patient), {
        code: "sleep-stage",
        from: start,
        to: start + 4 * HOUR,
        ...query,
      });
      const { aggregates } = await scene.world
        .reader(scene.clinic)
        .aggregateSeries({ ...init, bucketSize: BucketSize.HOUR });
      return aggregates.flatMap(({ buckets }) =>
        buckets.map(({ startTime, count, codeTimes, partial, mean, min }) => ({
          hour: (timestampMs(startTime!) - start) / HOUR,
          count,
          minutes: Object.fromEntries(
            codeTimes.map(({ value, duration, count: samples }) => [
              value!.code,
              [Number(duration!.seconds) / 60, samples],
            ]),
          ),
          ...(partial ? { partial } : {}),
          numbers: [mean, min],
        })),
      );
    };
    const numbers = ["", undefined];
    expect(await ask()).toEqual([
      { hour: 0, count: 2, minutes: { light: [50, 1], deep: [10, 1] }, numbers },
      { hour: 1, count: 3, minutes: { deep: [30, 1], light: [20, 1], rem: [10, 1] }, numbers },
      { hour: 2, count: 1, minutes: { rem: [60, 1] }, numbers },
      { hour: 3, count: 1, minutes: { rem: [60, 1] }, numbers },
    ]);
    // A request that begins in the middle: what began before reaches in.
    expect(await ask({ from: start + 70 * minute, to: start + 100 * minute })).toEqual([
      { hour: 1, count: 2, minutes: { deep: [20, 1], light: [10, 1] }, partial: true, numbers },
    ]);
  });

  it("of coded values tells readers of hourly data nothing", async () => {
    const scene = await openScene({ resolution: Resolution.HOURLY });
    const init = queryInit(scene.world.idFor(scene.clinic, scene.patient), {
      code: "sleep-stage",
      from: 0,
      to: HOUR,
    });
    const call = scene.world.reader(scene.clinic).aggregateSeries({ ...init, bucketSize: BucketSize.HOUR });
    expect(await reasonOf(call)).toBe("RESOLUTION_TOO_FINE");
  });

  it("converts sums, not samples, and joins what was sent in several units", async () => {
    const scene = await openScene();
    const from = Date.UTC(2016, 3, 12, 6);
    const weight = (start: number, unit: string, mantissas: number[], scale: number) => ({
      ...heartRates(start, []),
      code: { code: WEIGHT },
      unit,
      values: { case: "decimals" as const, value: { scale, mantissas } },
    });
    await append(scene, "r1", [weight(from, "[lb_av]", [1801, 1802, 1804], 1)]);
    await append(scene, "r2", [weight(from + HOUR / 2, "kg", [820], 1)]);
    const query = { code: WEIGHT, from, to: from + HOUR };
    const [converted, ...others] = await aggregate(scene, BucketSize.HOUR, {
      ...query,
      unit: "kg",
      digits: 2,
    });
    expect(others).toEqual([]);
    // 540.7 lb = 245.257394...; with 82.0 kg 327.26; a quarter is 81.81
    expect(converted!.buckets[0]!.numbers).toEqual([4, "81.69", "82.0", "81.81", "327.26"]);
    const asSent = await aggregate(scene, BucketSize.HOUR, { ...query, digits: 1 });
    expect(new Set(asSent.map(({ unit }) => unit))).toEqual(new Set(["[lb_av]", "kg"]));
  });

  it("gives each component numbers of its own", async () => {
    const scene = await openScene();
    const from = Date.UTC(2016, 3, 12, 6);
    const column = (code: string, mantissas: number[]) => ({
      code: { code },
      unit: "mm[Hg]",
      decimals: { mantissas },
    });
    const pressure = {
      ...heartRates(from, []),
      code: { code: "85354-9" },
      unit: "",
      values: {
        case: "components" as const,
        value: { components: [column("8480-6", [120, 130]), column("8462-4", [80, 85])] },
      },
    };
    await append(scene, "r1", [pressure]);
    const aggregates = await aggregate(scene, BucketSize.HOUR, { code: "85354-9", from, to: from + HOUR });
    expect(aggregates.map(({ component, buckets }) => [component, buckets[0]!.numbers])).toEqual([
      ["8462-4", [2, "80", "85", "82.5", "165"]],
      ["8480-6", [2, "120", "130", "125", "250"]],
    ]);
  });

  it("gives hourly readers whole hours only, and nothing finer", async () => {
    const from = Date.UTC(2016, 3, 12, 6);
    const clock = movedClock(from);
    const scene = await openScene({ resolution: Resolution.HOURLY }, { clock });
    await append(scene, "r1", [everyTenMinutes(from, 3)]);
    clock.time = from + 4 * HOUR;
    const cut = { from: from + HOUR / 2, to: from + 3 * HOUR - 1 };
    const [hours] = await aggregate(scene, BucketSize.HOUR, cut);
    expect(hours!.buckets.map((bucket) => bucket.from)).toEqual([from + HOUR]);
    const { world, clinic, patient } = scene;
    const init = queryInit(world.idFor(clinic, patient), cut);
    const minutes = world.reader(clinic).aggregateSeries({ ...init, bucketSize: BucketSize.MINUTE });
    expect(await reasonOf(minutes)).toBe("RESOLUTION_TOO_FINE");
  });

  it("leaves out what the window of the consent cuts", async () => {
    const from = Date.UTC(2016, 3, 12, 6);
    const scene = await openScene({ window: { from: from + HOUR / 2, to: from + 3 * HOUR } });
    await append(scene, "r1", [halfHourly(from, 4)]);
    const [hours] = await aggregate(scene, BucketSize.HOUR, { from, to: from + 4 * HOUR });
    expect(hours!.buckets.map((bucket) => bucket.from)).toEqual([from + HOUR, from + 2 * HOUR]);
  });

  it("joins the windows of several consents", async () => {
    const from = Date.UTC(2016, 3, 12, 6);
    const clock = movedClock(from);
    const scene = await openScene({ window: { from, to: from + HOUR } }, { clock });
    const { world, clinic, patient } = scene;
    await world.grant(patient, {
      organization: clinic.organization,
      direction: Direction.READ,
      codes: ["8867-4"],
      resolution: Resolution.HOURLY,
      window: { from: from + HOUR, to: from + 2 * HOUR },
    });
    await append(scene, "r1", [everyTenMinutes(from, 4)]);
    clock.time = from + 4 * HOUR;
    const [hours] = await aggregate(scene, BucketSize.HOUR, { from, to: from + 4 * HOUR });
    expect(hours!.buckets.map((bucket) => bucket.from)).toEqual([from, from + HOUR]);
  });

  it("refuses more than 10,000 buckets", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    const from = Date.UTC(2016, 3, 12, 6);
    const ask = (minutes: number, code: string) =>
      reasonOf(
        world.reader(clinic).aggregateSeries({
          ...queryInit(world.idFor(clinic, patient), { code }),
          interval: { startTime: timestampFromMs(from), endTime: timestampFromMs(from + minutes * 60_000) },
          bucketSize: BucketSize.MINUTE,
        }),
      );
    expect(await ask(10_000, "8867-4")).toBe("OK");
    expect(await ask(10_001, "8867-4")).toBe("INVALID_FIELD");
  });
});
