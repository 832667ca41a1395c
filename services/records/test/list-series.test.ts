import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import {
  CaptureMethod,
  Direction,
  Granularity,
  Purpose,
  Resolution,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { shippedTerminology } from "@wellapi/terminology";
import { describe, expect, it } from "vitest";
import { movedClock } from "./release-scene.ts";
import {
  append,
  application,
  heartRates,
  openScene,
  queryInit,
  reasonOf,
  STEPS,
  type TestApplication,
  WEIGHT,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

type Scene = Awaited<ReturnType<typeof openScene>>;

async function list(scene: Scene, options: object = {}, as: TestApplication = scene.clinic) {
  const { world, patient } = scene;
  const request = { patient: world.idFor(as, patient), purpose: Purpose.TREATMENT, ...options };
  const page = await world.reader(as).listSeries(request);
  return { ...page, series: page.series.map(infoOf) };
}

function infoOf({ code, source, units, span, count }: Awaited<ReturnType<Listing>>["series"][number]) {
  return {
    code: code!.code,
    model: source!.deviceModel,
    units,
    span: [timestampMs(span!.startTime!) - T0, timestampMs(span!.endTime!) - T0],
    count,
  };
}
type Listing = ReturnType<Scene["world"]["reader"]>["listSeries"];

const steps = (from: number) => ({
  ...heartRates(from, [5, 6]),
  code: { code: STEPS },
  unit: "{steps}",
});
const weight = (from: number, unit = "kg") => ({
  ...heartRates(from, [80]),
  code: { code: WEIGHT },
  unit,
});

describe("ListSeries", () => {
  it("tells codes, sources, units, spans and counts of what may be read, in the order of codes", async () => {
    const scene = await openScene();
    await append(scene, "r1", [
      heartRates(T0, [70, 71, 72]),
      { ...heartRates(T0 + HOUR, [80]), device: { identifier: "serial-2", model: "Ring" } },
      weight(T0),
      weight(T0 + DAY, "[lb_av]"),
      steps(T0),
    ]);
    await append(scene, "r2", [heartRates(T0 + MINUTE, [90])]); // hides one
    const { series, access } = await list(scene);
    expect(access).toMatch(/^acc_/);
    expect(series.map(({ code }) => code)).toEqual([WEIGHT, "8867-4", "8867-4"]);
    expect(series).toEqual(
      expect.arrayContaining([
        { code: WEIGHT, model: "Band", units: ["[lb_av]", "kg"], span: [0, DAY + 1], count: 2 },
        { code: "8867-4", model: "Band", units: ["/min"], span: [0, 2 * MINUTE + 1], count: 3 },
        { code: "8867-4", model: "Ring", units: ["/min"], span: [HOUR, HOUR + 1], count: 1 },
      ]),
    );
  });

  it("shows no trace of other categories, of what lies outside the windows, and of what was taken back", async () => {
    const window = { from: T0, to: T0 + HOUR };
    const scene = await openScene({ window });
    const { world, maker, patient } = scene;
    await append(scene, "in", [heartRates(T0 - MINUTE, [60, 61, 62])]);
    const expected = [{ code: "8867-4", model: "Band", units: ["/min"], span: [0, MINUTE + 1], count: 2 }];
    expect((await list(scene)).series).toEqual(expected);
    // Each of these is in one series with what is shown, in a series of its own, or of another category.
    await append(scene, "before", [{ ...heartRates(T0 - DAY, [63]), unit: "{before}/min" }]);
    await append(scene, "after", [{ ...heartRates(T0 + HOUR, [64]), unit: "{after}/min" }]);
    await append(scene, "newest", [
      { ...heartRates(T0 + DAY, [65]), device: { identifier: "serial-1", model: "Band 2" } },
    ]);
    await append(scene, "other", [
      { ...heartRates(T0 + HOUR, [66]), device: { identifier: "serial-3", model: "Ring" } },
      { ...heartRates(T0 - MINUTE, [67]), method: CaptureMethod.SELF_REPORTED },
      weight(T0 - 1),
      steps(T0),
    ]);
    const { batch } = await append(scene, "gone", [
      { ...heartRates(T0, [68]), unit: "{gone}/min" },
      weight(T0),
    ]);
    await world.writer(maker).retractBatch({
      retraction: {
        patient: world.idFor(maker, patient),
        target: { case: "batch" as const, value: batch },
        reason: RetractionReason.ENTERED_IN_ERROR,
      },
    });
    expect((await list(scene)).series).toEqual(expected);
    expect(await reasonOf(list(scene, { codes: [{ code: STEPS }] }))).toBe("CONSENT_REQUIRED");
    expect(await reasonOf(list(scene, { codes: [{ code: "8867-4" }, { code: STEPS }] }))).toBe(
      "CONSENT_REQUIRED",
    );
    expect(await reasonOf(list(scene, { purpose: Purpose.RESEARCH }))).toBe("CONSENT_REQUIRED");
    expect(await reasonOf(list(scene, {}, application()))).toBe("CONSENT_REQUIRED");
    expect((await list(scene, { codes: [{ code: WEIGHT }] })).series).toEqual([]);
  });

  it("tells readers of hourly data days of which lots are told, and no count", async () => {
    const clock = movedClock(Date.now());
    const scene = await openScene(
      { resolution: Resolution.HOURLY, codes: ["8867-4", WEIGHT, "sleep-stage"] },
      { clock },
    );
    const midnight = Date.UTC(2016, 3, 11, 22); // 12 April in Berlin
    await append(scene, "r1", [
      heartRates(
        midnight + 3 * HOUR,
        Array.from({ length: 30 }, (_, i) => 60 + i),
      ),
      heartRates(
        midnight + 3 * DAY + HOUR,
        Array.from({ length: 30 }, (_, i) => 60 + i),
      ),
      weight(T0), // one sample is too few to tell
    ]);
    expect((await list(scene)).series).toEqual([]); // it has arrived within this hour
    clock.time += 2 * HOUR;
    const { series } = await list(scene);
    expect(series).toEqual([
      {
        code: "8867-4",
        model: "Band",
        units: [],
        span: [midnight - T0, midnight + 4 * DAY - T0],
        count: undefined,
      },
    ]);
  });

  it("comes in pages, each series once, also while others are added", async () => {
    const scene = await openScene();
    const devices = Array.from({ length: 7 }, (_, i) => ({ identifier: `serial-${i}`, model: `Band ${i}` }));
    await append(
      scene,
      "r1",
      devices.flatMap((device) => [
        { ...heartRates(T0, [60]), device },
        { ...weight(T0), device },
      ]),
    );
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await list(scene, { pageSize: 3, pageToken });
      expect(page.series.length).toBeLessThanOrEqual(3);
      seen.push(...page.series.map(({ code, model }) => `${code} ${model}`));
      pageToken = page.nextPageToken;
      await append(scene, `more-${seen.length}`, [
        { ...heartRates(T0, [60]), device: { identifier: `new-${seen.length}`, model: "new" } },
      ]);
    } while (pageToken !== "");
    const old = seen.filter((one) => !one.endsWith("new"));
    expect([old.length, new Set(old).size]).toEqual([14, 14]);
  });

  it("asks the consent service once about all codes, and not code by code", async () => {
    const scene = await openScene();
    await append(scene, "r1", [heartRates(T0, [70])]);
    const { state } = scene.world.consent;
    const { asked, calls } = state;
    expect((await list(scene)).series).toHaveLength(1);
    expect(state.asked - asked).toBe(shippedTerminology.codes.length);
    expect(state.calls - calls).toBe(1);
  });

  it("lists to patients all of theirs, and to a patient without data nothing", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    const own = (one: typeof patient) =>
      world.own(one).listSeries({ patient: world.ownId(one), purpose: Purpose.PATIENT_REQUEST });
    expect((await own(patient)).series).toEqual([]);
    await append(scene, "r1", [heartRates(T0, [70]), steps(T0)]);
    expect((await own(patient)).series.map(({ code }) => code!.code)).toEqual([STEPS, "8867-4"]);
  });
});

describe("a filter by source", () => {
  const ring = { identifier: "serial-2", model: "Ring" };

  async function scattered() {
    const scene = await openScene();
    await append(scene, "r1", [
      heartRates(T0, [70, 71]),
      { ...heartRates(T0, [80]), device: ring },
      { ...heartRates(T0, [90]), method: CaptureMethod.CLINICIAN },
      {
        ...heartRates(T0, [100]),
        granularity: Granularity.HOUR,
        times: { ...heartRates(T0, [100]).times, durationMs: HOUR },
      },
    ]);
    return scene;
  }

  it("holds for every read, by the reader's own ids of devices", async () => {
    const scene = await scattered();
    const { world, clinic, maker, patient } = scene;
    const reader = world.reader(clinic);
    const query = queryInit(world.idFor(clinic, patient), { from: T0, to: T0 + DAY });
    const values = async (sources: object) => {
      const { series } = await reader.querySeries({ ...query, sources });
      const queried = series.map(
        ({ series: one }) => (one!.values.value as { mantissas: number[] }).mantissas,
      );
      const streamed: number[][] = [];
      for await (const { payload } of reader.readSeries({ ...query, sources })) {
        if (payload.case !== "series") continue;
        streamed.push((payload.value.series!.values.value as { mantissas: number[] }).mantissas);
      }
      const { aggregates } = await reader.aggregateSeries({ ...query, sources, bucketSize: 2 });
      const sums = aggregates.flatMap(({ buckets }) => buckets.map(({ sum }) => Number(sum)));
      const { series: listed } = await reader.listSeries({
        patient: query.patient,
        purpose: query.purpose,
        sources,
      });
      const sorted = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b);
      const all = sorted(queried.flat());
      expect(sorted(streamed.flat())).toEqual(all);
      expect(sums.reduce((a, b) => a + b, 0)).toBe(all.reduce((a, b) => a + b, 0));
      expect(listed.reduce((sum, { count }) => sum + count!, 0)).toBe(all.length);
      return all;
    };
    const whole = await reader.querySeries(query);
    const deviceId = whole.series.find(({ source }) => source!.deviceModel === "Ring")!.source!.deviceId;
    expect(await values({})).toEqual([70, 71, 80, 90, 100]);
    expect(await values({ deviceIds: [deviceId] })).toEqual([80]);
    expect(await values({ methods: [CaptureMethod.CLINICIAN] })).toEqual([90]);
    expect(await values({ methods: [CaptureMethod.UNSPECIFIED] })).toEqual([70, 71, 80, 100]);
    expect(await values({ granularities: [Granularity.INSTANT] })).toEqual([70, 71, 80, 90]);
    expect(await values({ organizations: [maker.organization], granularities: [Granularity.HOUR] })).toEqual([
      100,
    ]);
    expect(await values({ organizations: [clinic.organization] })).toEqual([]);
    // Another reader's id of the same device, and what is no id at all, name none.
    const second = application();
    await world.grant(patient, {
      organization: second.organization,
      direction: Direction.READ,
      codes: ["8867-4"],
    });
    const theirs = await world.reader(second).querySeries(queryInit(world.idFor(second, patient), {}));
    const theirId = theirs.series.find(({ source }) => source!.deviceModel === "Ring")!.source!.deviceId;
    expect(await values({ deviceIds: [theirId] })).toEqual([]);
    expect(await values({ deviceIds: ["dev_1"] })).toEqual([]);
  });

  it("holds for a watch and for observations", async () => {
    const scene = await openScene();
    const { world, clinic, maker, patient } = scene;
    const reader = world.reader(clinic);
    const id = world.idFor(clinic, patient);
    const sources = { methods: [CaptureMethod.CLINICIAN] };
    const abort = new AbortController();
    const request = { patient: id, codes: [{ code: "8867-4" }], purpose: Purpose.TREATMENT, sources };
    const stream = reader.watchSeries(request, { signal: abort.signal })[Symbol.asyncIterator]();
    await stream.next();
    await append(scene, "r1", [
      heartRates(T0, [70]),
      { ...heartRates(T0, [90]), method: CaptureMethod.CLINICIAN },
    ]);
    const { payload } = (await stream.next()).value!;
    expect((payload.value as { source: { method: number } }).source.method).toBe(CaptureMethod.CLINICIAN);
    abort.abort();
    const observation = (value: string, method: CaptureMethod) => ({
      code: { code: WEIGHT },
      effective: { case: "effectiveTime" as const, value: timestampFromMs(T0) },
      utcOffsetMinutes: 120,
      value: { case: "quantity" as const, value: { value, unit: "kg" } },
      method,
    });
    await world.writer(maker).appendObservations({
      batch: {
        requestId: "o1",
        patient: world.idFor(maker, patient),
        observations: [
          observation("80", CaptureMethod.SELF_REPORTED),
          observation("81", CaptureMethod.CLINICIAN),
          observation("82", CaptureMethod.SELF_REPORTED),
        ],
      },
    });
    const page = await reader.listObservations({
      patient: id,
      code: { code: WEIGHT },
      purpose: Purpose.TREATMENT,
      sources,
    });
    expect(page.observations.map(({ observation: one }) => one!.value.value)).toMatchObject([
      { value: "81" },
    ]);
  });
});
