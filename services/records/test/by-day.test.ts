import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { SampleOrder, SampleOrigin } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { QuerySeriesRequestSchema } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  append,
  application,
  HEART_RATE,
  heartRates,
  openScene,
  reasonOf,
  samplesOf,
  type TestApplication,
  WEIGHT,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const MINUTE = 60_000;
const DAY = 86_400_000;

type Scene = Awaited<ReturnType<typeof openScene>>;
type Asked = Exclude<MessageInitShape<typeof QuerySeriesRequestSchema>, { $typeName: string }>;

async function observe(
  { world, maker, patient }: Scene,
  requestId: string,
  times: readonly number[],
  code = WEIGHT,
) {
  const observations = times.map((time, at) => ({
    code: { code },
    effective: { case: "effectiveTime", value: timestampFromMs(time) } as const,
    utcOffsetMinutes: 0,
    value: {
      case: "quantity",
      value: { value: `${60 + at}.5`, unit: code === WEIGHT ? "kg" : "/min" },
    } as const,
  }));
  const batch = { requestId, patient: world.idFor(maker, patient), observations };
  await world.writer(maker).appendObservations({ batch });
}

/** Code, time and value of each sample, in the order in which they are told. */
async function toldByDay({ world, clinic, patient }: Scene, asked: Asked, reader = clinic) {
  const told: [string, number, number][] = [];
  let pageToken = "";
  do {
    const page = await world.reader(reader).querySeries({
      patient: world.idFor(reader, patient),
      purpose: Purpose.TREATMENT,
      order: SampleOrder.NEWEST_DAY,
      ...asked,
      pageToken,
    });
    for (const { series } of page.series)
      for (const [time, value] of samplesOf(series!)) told.push([series!.code!.code, time, value]);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return told;
}

const day = ([, time]: readonly [string, number, number]) => Math.floor(time / DAY);

describe("samples by the day", () => {
  it("come of all codes that may be read, the newest day first or the oldest, each day by code and time", async () => {
    const scene = await openScene();
    await append(scene, "r1", [heartRates(T0, [60, 61]), heartRates(T0 + 40 * DAY, [62, 63])]);
    await append(scene, "r2", [{ ...heartRates(T0, [10]), code: { code: "55423-8" }, unit: "{steps}" }]);
    await observe(scene, "o1", [T0 + 1, T0 + 5 * DAY]);
    const newest = await toldByDay(scene, {});
    expect(newest).toEqual([
      [HEART_RATE, T0 + 40 * DAY, 62],
      [HEART_RATE, T0 + 40 * DAY + MINUTE, 63],
      [WEIGHT, T0 + 5 * DAY, 61.5],
      [WEIGHT, T0 + 1, 60.5],
      [HEART_RATE, T0, 60],
      [HEART_RATE, T0 + MINUTE, 61],
    ]);
    expect(await toldByDay(scene, { order: SampleOrder.OLDEST_DAY })).toEqual(
      newest.toSorted((a, b) => day(a) - day(b)),
    );
    expect(await toldByDay(scene, { origin: SampleOrigin.SERIES })).toHaveLength(4);
    expect(await toldByDay(scene, { origin: SampleOrigin.OBSERVATION })).toHaveLength(2);
    expect(await toldByDay(scene, { codes: [{ code: WEIGHT }, { code: "55423-8" }] })).toHaveLength(2);
    const interval = { startTime: timestampFromMs(T0 + MINUTE), endTime: timestampFromMs(T0 + 6 * DAY) };
    expect(await toldByDay(scene, { interval })).toHaveLength(2);
  });

  it("are the same in pages of any size as in one, whatever lies on a day", async () => {
    const scene = await openScene();
    const times = fc.array(fc.integer({ min: 0, max: 20 * 24 * 60 }), { minLength: 1, maxLength: 12 });
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(
        times,
        times,
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (a, b, pageSize, newest) => {
          sent++;
          await append(
            scene,
            `r${sent}`,
            a.map((at) => heartRates(T0 + at * MINUTE, [(sent % 100) + 30, (sent % 100) + 31])),
          );
          await observe(
            scene,
            `o${sent}`,
            b.map((at) => T0 + at * MINUTE),
            HEART_RATE,
          );
          const order = newest ? SampleOrder.NEWEST_DAY : SampleOrder.OLDEST_DAY;
          const whole = await toldByDay(scene, { order, pageSize: 10_000 });
          expect(await toldByDay(scene, { order, pageSize })).toEqual(whole);
          const days = whole.map(day);
          expect(days).toEqual(days.toSorted((x, y) => (newest ? y - x : x - y)));
          const one = await oneSeriesAfterAnother(scene);
          expect(whole.map(String).sort()).toEqual(one.map(String).sort());
        },
      ),
      { numRuns: 8 },
    );
  });

  async function oneSeriesAfterAnother({ world, clinic, patient }: Scene) {
    const { series } = await world.reader(clinic).querySeries({
      patient: world.idFor(clinic, patient),
      purpose: Purpose.TREATMENT,
      code: { code: HEART_RATE },
      pageSize: 10_000,
    });
    return series.flatMap(({ series: one }) =>
      samplesOf(one!).map(([time, value]) => [HEART_RATE, time, value] as [string, number, number]),
    );
  }

  it("leave out what a consent permits in hours only, and refuse who has no consent", async () => {
    const scene = await openScene({ resolution: Resolution.HOURLY });
    await append(scene, "r1", [heartRates(T0, [60])]);
    expect(await toldByDay(scene, {})).toEqual([]);
    const stranger = application();
    await expect(toldByDay(scene, {}, stranger)).rejects.toThrow(/No consent/);
  });

  it("need a code where they come series after series", async () => {
    const scene = await openScene();
    const request = { patient: scene.world.idFor(scene.clinic, scene.patient), purpose: Purpose.TREATMENT };
    const reader = scene.world.reader(scene.clinic);
    await expect(reader.querySeries(request)).rejects.toThrow();
    await expect(reader.querySeries({ ...request, codes: [{ code: WEIGHT }] })).rejects.toThrow();
  });
});

describe("observations of several codes", () => {
  it("are read without a word to the consent service where it has permitted these, and refused to who has no consent", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    await observe(scene, "o1", [T0]);
    const codes = [WEIGHT, HEART_RATE].map((code) => ({ code }));
    const list = (reader: TestApplication) =>
      world
        .reader(reader)
        .listObservations({ patient: world.idFor(reader, patient), purpose: Purpose.TREATMENT, codes });
    await list(clinic);
    const { calls } = world.consent.state;
    expect((await list(clinic)).observations).toHaveLength(1);
    expect(world.consent.state.calls).toBe(calls);
    expect(await reasonOf(list(application()))).toBe("CONSENT_REQUIRED");
  });

  it("come in one order, from either end, in pages", async () => {
    const scene = await openScene();
    const times = [3, 1, 90, 2, 40].map((days) => T0 + days * DAY);
    await observe(scene, "o1", times, HEART_RATE);
    await observe(scene, "o2", [...times, T0 + DAY + 1], WEIGHT);
    const { world, clinic, patient } = scene;
    const listed = async (asked: object) => {
      const told: number[] = [];
      let pageToken = "";
      do {
        const page = await world.reader(clinic).listObservations({
          patient: world.idFor(clinic, patient),
          purpose: Purpose.TREATMENT,
          pageSize: 2,
          ...asked,
          pageToken,
        });
        for (const { observation } of page.observations)
          told.push(timestampMs(observation!.effective.value as Parameters<typeof timestampMs>[0]));
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      return told;
    };
    const all = [...times, ...times, T0 + DAY + 1].sort((a, b) => a - b);
    expect(await listed({ oldestFirst: true })).toEqual(all);
    expect(await listed({})).toEqual(all.toReversed());
    expect(await listed({ codes: [{ code: WEIGHT }, { code: "55423-8" }] })).toHaveLength(6);
    expect(await listed({ code: { code: WEIGHT } })).toHaveLength(6);
    await expect(listed({ code: { code: "55423-8" } })).rejects.toThrow(/No consent/);
    const interval = { startTime: timestampFromMs(T0 + 2 * DAY), endTime: timestampFromMs(T0 + 41 * DAY) };
    expect(await listed({ interval, oldestFirst: true })).toEqual(all.slice(3, 9));
  });
});
