import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { type ObservationSchema, ObservationStatus } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { CaptureMethod, Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { movedClock } from "./release-scene.ts";
import { append, heartRates, openScene, queryInit, samplesOf } from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

type Scene = Awaited<ReturnType<typeof openScene>>;
type ObservationInit = Exclude<MessageInitShape<typeof ObservationSchema>, { $typeName: string }>;

/** By the same device as the samples of `heartRates`. */
function rate(time: number, value: string, more: ObservationInit = {}): ObservationInit {
  return {
    code: { code: "8867-4" },
    effective: { case: "effectiveTime", value: timestampFromMs(time) },
    utcOffsetMinutes: 120,
    value: { case: "quantity", value: { value, unit: "/min" } },
    device: { identifier: "serial-1", model: "Band" },
    ...more,
  };
}

async function send({ world, maker, patient }: Scene, requestId: string, observations: ObservationInit[]) {
  const batch = { requestId, patient: world.idFor(maker, patient), observations };
  return (await world.writer(maker).appendObservations({ batch })).receipt!;
}

type Reader = ReturnType<Scene["world"]["reader"]>;
type Sourced = Awaited<ReturnType<Reader["querySeries"]>>["series"];

function told(series: Sourced): [number, number][] {
  return series.flatMap(({ series: one }) => samplesOf(one!));
}

async function everywhere({ world, clinic, patient }: Scene) {
  const reader = world.reader(clinic);
  const query = queryInit(world.idFor(clinic, patient), { from: T0, to: T0 + 40 * DAY });
  const streamed: Sourced = [];
  for await (const { payload } of reader.readSeries(query)) {
    if (payload.case === "series") streamed.push(payload.value);
  }
  const queried: Sourced = [];
  let pageToken = "";
  do {
    const page = await reader.querySeries({ ...query, pageSize: 2, pageToken });
    queried.push(...page.series);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  const { aggregates } = await reader.aggregateSeries({ ...query, bucketSize: BucketSize.MONTH });
  const listed = await reader.listSeries({ patient: query.patient, purpose: query.purpose });
  return {
    streamed: told(streamed),
    queried: told(queried),
    sums: aggregates
      .map(({ buckets }) => [
        buckets.reduce((total, { count }) => total + count, 0),
        buckets.reduce((total, { sum }) => total + Number(sum), 0),
      ])
      .sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!),
    listed: listed.series
      .map(({ count, span }) => [count, timestampMs(span!.startTime!), timestampMs(span!.endTime!)])
      .sort((a, b) => a[0]! - b[0]!),
  };
}

const sorted = (samples: readonly [number, number][]) =>
  samples.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);

describe("observations of a number", () => {
  it("are samples of a series of their own in every read, and neither hides the other", async () => {
    const scene = await openScene({ codes: ["8867-4"] });
    await append(scene, "r1", [heartRates(T0, [60, 61, 62])]);
    await send(scene, "o1", [rate(T0, "70.5"), rate(T0 + 30 * DAY, "71"), rate(T0 + MINUTE, "72")]);
    // Sent later than the observations, at their times; and an observation at the time of a sample.
    await append(scene, "r2", [heartRates(T0 + MINUTE, [63])]);
    await send(scene, "o2", [rate(T0 + 2 * MINUTE, "73", { durationMs: BigInt(HOUR) })]);
    const { streamed, queried, sums, listed } = await everywhere(scene);
    const all: [number, number][] = [
      [T0, 60],
      [T0, 70.5],
      [T0 + MINUTE, 63],
      [T0 + MINUTE, 72],
      [T0 + 2 * MINUTE, 62],
      [T0 + 2 * MINUTE, 73],
      [T0 + 30 * DAY, 71],
    ];
    expect(sorted(streamed)).toEqual(all);
    expect(sorted(queried)).toEqual(all);
    // An observation of an interval is of another granularity, so of a series of its own.
    expect(sums).toEqual(
      [
        [1, 73],
        [3, 185],
        [3, 70.5 + 72 + 71],
      ].sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!),
    );
    expect(listed.map(([count]) => count)).toEqual([1, 3, 3]);
    expect(listed).toEqual(expect.arrayContaining([[3, T0, T0 + 30 * DAY + 1]]));
  });

  it("are all shown where several have one time, also where a page ends between them", async () => {
    const scene = await openScene({ codes: ["8867-4"] });
    await send(scene, "o1", [rate(T0, "70"), rate(T0, "71"), rate(T0, "72"), rate(T0 + 1, "73")]);
    await send(scene, "o2", [rate(T0, "70"), rate(T0, "74"), rate(T0 + 1, "75.0")]);
    const { streamed, queried, sums } = await everywhere(scene);
    const values = [70, 70, 71, 72, 74, 73, 75];
    expect(sorted(streamed).map(([, value]) => value)).toEqual(values);
    expect(sorted(queried).map(([, value]) => value)).toEqual(values);
    expect(sums).toEqual([[7, 505]]);
  });

  it("page through once while others of the same time arrive", async () => {
    const scene = await openScene({ codes: ["8867-4"] });
    const { world, clinic, patient } = scene;
    await send(
      scene,
      "o1",
      Array.from({ length: 9 }, (_, i) => rate(T0, String(100 + i))),
    );
    const init = queryInit(world.idFor(clinic, patient), {});
    const seen: number[] = [];
    let [pageToken, more] = ["", 0];
    do {
      const page = await world.reader(clinic).querySeries({ ...init, pageSize: 2, pageToken });
      seen.push(...told(page.series).map(([, value]) => value));
      pageToken = page.nextPageToken;
      if (more++ < 3) await send(scene, `more-${more}`, [rate(T0, String(200 + more))]);
    } while (pageToken !== "");
    expect(seen).toEqual([...Array.from({ length: 9 }, (_, i) => 100 + i), 201, 202, 203]);
  });

  it("arrive at a watch and are taken back from it; coded ones and those of no consent do not", async () => {
    const scene = await openScene({ codes: ["8867-4", "sleep-stage"] });
    const { world, clinic, maker, patient } = scene;
    const abort = new AbortController();
    const request = {
      patient: world.idFor(clinic, patient),
      codes: [{ code: "8867-4" }],
      purpose: Purpose.TREATMENT,
    };
    const stream = world
      .reader(clinic)
      .watchSeries(request, { signal: abort.signal })
      [Symbol.asyncIterator]();
    await stream.next();
    const { batch } = await send(scene, "o1", [
      rate(T0, "70"),
      rate(T0, "71.5"),
      { ...rate(T0, "9000"), code: { code: "55423-8" } },
      { ...rate(T0, ""), value: { case: "coded", value: { code: "rem" } } },
    ]);
    await append(scene, "r1", [heartRates(T0, [60])]);
    const values: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const { payload } = (await stream.next()).value!;
      if (payload.case === "series")
        values.push(...samplesOf(payload.value.series!).map(([, value]) => value));
    }
    expect(values).toEqual([70, 71.5, 60]);
    await world.writer(maker).retractBatch({
      retraction: {
        patient: world.idFor(maker, patient),
        target: { case: "batch", value: batch },
        reason: RetractionReason.ENTERED_IN_ERROR,
      },
    });
    const { payload } = (await stream.next()).value!;
    expect(payload.case).toBe("retraction");
    abort.abort();
    expect((await everywhere(scene)).streamed.map(([, value]) => value)).toEqual([60]);
  });

  it("come within the consent's window only, and panels with their components", async () => {
    const scene = await openScene({ codes: ["85354-9"], window: { from: T0, to: T0 + HOUR } });
    const { world, clinic, patient } = scene;
    const panel = (time: number, systolic: string): ObservationInit => ({
      ...rate(time, ""),
      code: { code: "85354-9" },
      value: { case: undefined },
      components: [
        { code: { code: "8480-6" }, value: { case: "quantity", value: { value: systolic, unit: "mm[Hg]" } } },
        { code: { code: "8462-4" }, value: { case: "quantity", value: { value: "80.5", unit: "mm[Hg]" } } },
      ],
      method: CaptureMethod.CLINICIAN,
    });
    await send(scene, "o1", [panel(T0 - 1, "119"), panel(T0, "120"), panel(T0 + HOUR, "121")]);
    const init = queryInit(world.idFor(clinic, patient), { code: "85354-9", from: T0 - DAY, to: T0 + DAY });
    const { series } = await world.reader(clinic).querySeries(init);
    expect(series.map(({ series: one, source }) => [one!.values.value, source!.method])).toMatchObject([
      [
        {
          components: [
            { code: { code: "8480-6" }, decimals: { scale: 0, mantissas: [120] } },
            { code: { code: "8462-4" }, decimals: { scale: 1, mantissas: [805] } },
          ],
        },
        CaptureMethod.CLINICIAN,
      ],
    ]);
    const { aggregates } = await world
      .reader(clinic)
      .aggregateSeries({ ...init, bucketSize: BucketSize.MINUTE });
    expect(aggregates.map(({ component, buckets }) => [component!.code, buckets[0]!.sum])).toEqual([
      ["8462-4", "80.5"],
      ["8480-6", "120"],
    ]);
  });

  it("are told to readers of hourly data by lots, also where several have one time", async () => {
    const clock = movedClock(Date.now());
    const scene = await openScene({ codes: ["8867-4"], resolution: Resolution.HOURLY }, { clock });
    const { world, clinic, patient } = scene;
    await send(
      scene,
      "o1",
      Array.from({ length: 8 }, (_, i) => rate(T0 + (i % 4) * MINUTE, String(60 + i))),
    );
    clock.time += 2 * HOUR;
    const init = queryInit(world.idFor(clinic, patient), { from: T0, to: T0 + DAY });
    const { aggregates } = await world
      .reader(clinic)
      .aggregateSeries({ ...init, bucketSize: BucketSize.HOUR });
    expect(aggregates.flatMap(({ buckets }) => buckets)).toMatchObject([
      { count: 8, sum: "508", mean: "63.5" },
    ]);
    expect(aggregates[0]!.buckets[0]!.min).toBeUndefined();
  });

  it("count as integers in their code's unit; what was entered in error counts nowhere and is still listed", async () => {
    const scene = await openScene({ codes: ["55423-8", "8867-4"] });
    const { world, clinic, patient } = scene;
    await send(scene, "o1", [
      { ...rate(T0, ""), code: { code: "55423-8" }, value: { case: "integer", value: 12n } },
      rate(T0, "500", { status: ObservationStatus.ENTERED_IN_ERROR }),
      rate(T0, "70", { status: ObservationStatus.AMENDED }),
    ]);
    const read = async (code: string) => {
      const init = queryInit(world.idFor(clinic, patient), { code });
      const { series } = await world.reader(clinic).querySeries(init);
      const { patient: id, purpose, code: coding } = init;
      const page = await world.reader(clinic).listObservations({ patient: id, purpose, code: coding });
      const listed = page.observations.map(({ observation }) => observation!.value.value);
      return { units: series.map(({ series: one }) => one!.unit), samples: told(series), listed };
    };
    expect(await read("55423-8")).toMatchObject({ units: ["{steps}"], samples: [[T0, 12]], listed: [12n] });
    const { samples, listed } = await read("8867-4");
    expect(samples).toEqual([[T0, 70]]);
    expect(listed).toHaveLength(2);
    expect(listed).toEqual(expect.arrayContaining([expect.objectContaining({ value: "500", unit: "/min" })]));
  });

  it("stay listed alone by ListObservations, and a second reader gets the same", async () => {
    const scene = await openScene({ codes: ["8867-4"] });
    const { world, clinic, maker, patient } = scene;
    await append(scene, "r1", [heartRates(T0, [60])]);
    await send(scene, "o1", [rate(T0, "70")]);
    await world.grant(patient, {
      organization: maker.organization,
      direction: Direction.READ,
      codes: ["8867-4"],
    });
    for (const reader of [clinic, maker]) {
      const { patient: id, purpose, code } = queryInit(world.idFor(reader, patient), {});
      const { observations } = await world.reader(reader).listObservations({ patient: id, purpose, code });
      expect(observations).toHaveLength(1);
    }
  });
});
